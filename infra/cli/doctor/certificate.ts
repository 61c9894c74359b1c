import { once } from 'node:events';
import tls from 'node:tls';
import { openTunnel, proxyFor } from '#functions/http/proxy.ts';
import { readProxySettings } from '#functions/lambda/environment.ts';
import { type Check, ok, warn } from './check.ts';

/** Milliseconds for the server to show its certificate. */
const timeoutMs = 10_000;

/** Days of validity below which the doctor warns. */
const soon = 21;

const name = 'TLS';

/** Checks when the certificate of a reachable, trusted server ends. @param ca PEM to trust beside the public ones */
export async function checkCertificate(origin: string, ca: string | undefined, now: Date): Promise<Check> {
  if (!origin.startsWith('https:')) return ok(name, 'none, as the server is on the notifier’s own machine');
  let socket: tls.TLSSocket | undefined;
  try {
    socket = await tlsTo(origin, ca);
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    return judged(socket.getProtocol(), new Date(socket.getPeerCertificate().valid_to), now);
  } catch (error) {
    return warn(name, `the certificate cannot be looked at (${(error as Error).message})`, 'ask again in a moment');
  } finally {
    socket?.destroy();
  }
}

/** Begins TLS, through the proxy if any. @param isTrusted false for any certificate @throws HttpError of the proxy */
export async function tlsTo(origin: string, ca: string | undefined, isTrusted = true): Promise<tls.TLSSocket> {
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

function judged(version: string | null, end: Date, now: Date): Check {
  const days = Math.floor((end.getTime() - now.getTime()) / 86_400_000);
  const message = `${version ?? 'TLS'}, certificate trusted until ${end.toISOString().slice(0, 10)}`;
  if (days >= soon) return ok(name, message);
  return warn(name, `${message}, that is ${days} days`, 'have it renewed: polls fail once it has ended');
}
