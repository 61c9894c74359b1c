import { once } from 'node:events';
import tls, { type PeerCertificate, type TLSSocket } from 'node:tls';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { openTunnel, proxyFor } from '#functions/http/proxy.ts';
import { tlsProblemOf } from '#functions/http/tls-problem.ts';
import { readProxySettings } from '#functions/lambda/environment.ts';
import { printable } from '#functions/notices/foreign-text.ts';
import { type Check, ok, warn } from './check.ts';

/** Milliseconds for the tunnel of a proxy, and then for the TLS handshake. */
const timeoutMs = 10_000;

/** Days of validity below which the doctor warns: time enough for a person to renew a certificate. */
const soon = 21;

/** Characters quoted from a certificate at most, so that a line stays readable. */
const longest = 200;

const name = 'TLS';

/** Checks when the certificate of a reachable, trusted server ends. @param ca PEM to trust beside the public ones */
export async function checkCertificate(origin: string, ca: string | undefined, now: Date): Promise<Check> {
  if (!origin.startsWith('https:')) return ok(name, 'none, as the server is on the notifier’s own machine');
  try {
    return await handshaken(await tlsTo(origin, ca), (socket) => judged(socket, now));
  } catch (error) {
    return warn(name, `the certificate cannot be looked at (${(error as Error).message})`, 'ask again in a moment');
  }
}

function judged(socket: TLSSocket, now: Date): Check {
  const end = new Date(socket.getPeerCertificate().valid_to);
  const days = Math.floor((end.getTime() - now.getTime()) / 86_400_000);
  const message = `${socket.getProtocol() ?? 'TLS'}, certificate trusted until ${end.toISOString().slice(0, 10)}`;
  if (days >= soon) return ok(name, message);
  return warn(name, `${message}, that is ${days} days`, 'have it renewed: polls fail once it has ended');
}

/**
 * Makes a TLS failure more exact by a second handshake. Adds what the certificate says, and tells the demand for a
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
    const words = { says: `the server’s ${wanted.says}`, remedy: wanted.remedy };
    return new CryptshareFailure(kind, detail, undefined, words);
  }
  const facts = certificate && factsOf(certificate, detail);
  if (facts === undefined) return failure;
  return new CryptshareFailure(kind, `${detail}; ${facts}`, undefined, {
    says: `the server’s ${problem.says}`,
    remedy,
  });
}

/** Certificate of a server, trusted or not. `hasAgreed`: the handshake got past version and cipher. */
async function lookedAt(origin: string, ca: string | undefined) {
  let hasAgreed = false;
  try {
    const socket = await tlsTo(origin, ca, false);
    // Keys exist once both sides have agreed on version and cipher.
    socket.once('keylog', () => {
      hasAgreed = true;
    });
    return { certificate: await handshaken(socket, () => socket.getPeerCertificate()), hasAgreed };
  } catch {
    return { certificate: undefined, hasAgreed };
  }
}

/** Begins TLS, through the proxy if any. @param isTrusted false for any certificate @throws HttpError of the proxy */
async function tlsTo(origin: string, ca: string | undefined, isTrusted = true): Promise<TLSSocket> {
  const url = new URL(origin);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port || 443);
  const proxy = proxyFor(url, readProxySettings());
  return tls.connect({
    ...(proxy ? { socket: await openTunnel(proxy, host, port, timeoutMs) } : { host, port }),
    rejectUnauthorized: isTrusted,
    // Servers choose the certificate by SNI, which takes no IP addresses (RFC 6066).
    ...(/[a-z]/i.test(host) && !host.includes(':') && { servername: host }),
    ...(ca !== undefined && { ca: [...tls.getCACertificates('default'), ca] }),
  });
}

/** Reads from a connection once its handshake is done, and ends it. */
async function handshaken<T>(socket: TLSSocket, read: (socket: TLSSocket) => T): Promise<T> {
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    return read(socket);
  } finally {
    socket.destroy();
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
