import { once } from 'node:events';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { tlsProblemOf } from '#functions/http/tls-problem.ts';
import { printable } from '#functions/notices/foreign-text.ts';
import { tlsTo } from './certificate.ts';

/** Milliseconds for the TLS handshake. */
const timeoutMs = 5000;

/** Characters quoted from a certificate at most. */
const longest = 200;

/**
 * Makes a TLS failure more exact by a second handshake: adds what the certificate says, and tells the demand for a
 * client certificate from other refusals. Returns other failures unchanged.
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
    // A refusal after agreement on version and cipher: the server demands a client certificate.
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

/** Certificate of a server, trusted or not. `hasAgreed`: the handshake got past version and cipher. */
async function lookedAt(origin: string, ca: string | undefined) {
  let hasAgreed = false;
  let socket: TLSSocket | undefined;
  try {
    socket = await tlsTo(origin, ca, false);
    // Keys exist once both sides have agreed on version and cipher.
    socket.once('keylog', () => {
      hasAgreed = true;
    });
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    return { certificate: socket.getPeerCertificate(), hasAgreed };
  } catch {
    return { certificate: undefined, hasAgreed };
  } finally {
    socket?.destroy();
  }
}

/** Fact of a certificate that explains an error code. */
function factsOf({ subjectaltname, valid_from, valid_to, issuer }: PeerCertificate, code: string): string | undefined {
  if (/ALTNAME|HOSTNAME/.test(code)) return `it lists ${shortened(subjectaltname ?? 'no name')}`;
  if (/EXPIRED/.test(code)) return `it ended on ${dayOf(valid_to)}`;
  if (/NOT_YET/.test(code)) return `it begins on ${dayOf(valid_from)}`;
  const by = issuer?.O ?? issuer?.CN;
  return by === undefined ? undefined : `issued by ${shortened(String(by))}`;
}

const dayOf = (text: string): string => new Date(text).toISOString().slice(0, 10);

const shortened = (text: string): string => printable(text).slice(0, longest);
