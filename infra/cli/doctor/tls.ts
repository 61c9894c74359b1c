import { once } from 'node:events';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { tlsProblemOf } from '#functions/http/tls-problem.ts';
import { printable } from '#functions/notices/foreign-text.ts';
import { tlsTo } from './certificate.ts';

/** Milliseconds for the server to agree or to refuse. */
const patience = 5000;

/** Characters of what a certificate says that are repeated. */
const longest = 200;

/**
 * Makes a failure that TLS is the reason of more exact, by a look at the server: what the certificate itself says is added,
 * and a wanted client certificate is told from other refusals. Other failures stay as they are.
 *
 * @param origin for example `https://cryptshare.example.com`
 * @param ca certificates in PEM to trust beside the public ones
 */
export async function explainedByTls(
  failure: CryptshareFailure,
  origin: string,
  ca: string | undefined,
): Promise<CryptshareFailure> {
  const { kind, detail = '', remedy } = failure;
  const problem = tlsProblemOf(detail);
  if (!problem || !origin.startsWith('https:')) return failure;
  const { certificate, hasAgreed } = await lookedAt(origin, ca);
  if (!problem.isCertificate) {
    // Version and cipher were agreed upon, and still it refuses: what was missing is the certificate that it asked for.
    const wanted = hasAgreed && detail.endsWith('HANDSHAKE_FAILURE') ? tlsProblemOf('CERTIFICATE_REQUIRED') : undefined;
    if (!wanted) return failure;
    const words = { says: `the server’s ${wanted.says}`, remedy: wanted.serverRemedy };
    return new CryptshareFailure(kind, detail, undefined, words);
  }
  const facts = certificate && factsOf(certificate, detail);
  return facts === undefined
    ? failure
    : new CryptshareFailure(kind, `${detail}; ${facts}`, undefined, { says: `the server’s ${problem.says}`, remedy });
}

/** What a server shows, whether it is trusted or not. */
async function lookedAt(origin: string, ca: string | undefined) {
  let hasAgreed = false;
  let socket: TLSSocket | undefined;
  try {
    socket = await tlsTo(origin, ca, false);
    // Keys are there once both sides have agreed on version and cipher.
    socket.once('keylog', () => {
      hasAgreed = true;
    });
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(patience) });
    return { certificate: socket.getPeerCertificate(), hasAgreed };
  } catch {
    return { certificate: undefined, hasAgreed };
  } finally {
    socket?.destroy();
  }
}

/** What of a certificate concerns an error code. */
function factsOf({ subjectaltname, valid_from, valid_to, issuer }: PeerCertificate, code: string): string | undefined {
  if (/ALTNAME|HOSTNAME/.test(code)) return `it lists ${shortened(subjectaltname ?? 'no name')}`;
  if (/EXPIRED/.test(code)) return `it ended on ${dayOf(valid_to)}`;
  if (/NOT_YET/.test(code)) return `it begins on ${dayOf(valid_from)}`;
  const by = issuer?.O ?? issuer?.CN;
  return by === undefined ? undefined : `issued by ${shortened(String(by))}`;
}

const dayOf = (text: string): string => new Date(text).toISOString().slice(0, 10);

const shortened = (text: string): string => printable(text).slice(0, longest);
