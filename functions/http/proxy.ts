import http from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { HttpError } from './http-error.ts';
import { bareHost, isIn, networks } from './networks.ts';

/** Proxy for requests, and the targets that requests reach without it. */
export interface ProxySettings {
  /** `http://HOST:PORT` or `https://HOST:PORT`, optionally with user name and password; undefined for none. */
  readonly proxy: string | undefined;
  /** Targets without proxy, in the form of `NO_PROXY`: names with all below them, addresses, networks, or `*`. */
  readonly except: string | undefined;
}

/** Settings in environment variables; as in other programs, lower-case variables come first. */
export const proxySettingsIn = (variables: Readonly<Record<string, string | undefined>>): ProxySettings => ({
  proxy: variables.https_proxy || variables.HTTPS_PROXY || undefined,
  except: variables.no_proxy || variables.NO_PROXY || undefined,
});

/** Reason why a proxy's address is invalid; does not repeat the address, which may hold a password. */
export function proxyProblem(proxy: string): string | undefined {
  const { protocol = '', pathname = '', search = '', hash = '' } = parseProxy(proxy) ?? {};
  const isProxy = /^https?:$/.test(protocol) && pathname === '/' && search + hash === '';
  return isProxy ? undefined : 'expected a proxy such as http://proxy.example.com:3128';
}

/** The proxy for a request; none to this machine, whatever the settings. Throws HttpError for an invalid proxy. */
export function proxyFor(target: URL, { proxy, except = '' }: ProxySettings): URL | undefined {
  if (proxy === undefined || isThisMachine(hostOf(target)) || isExcepted(target, except)) return undefined;
  const problem = proxyProblem(proxy);
  if (problem) throw new HttpError('proxy', problem);
  return parseProxy(proxy)!;
}

/** Connects to a host by CONNECT (RFC 9110, 9.3.6). @throws HttpError that names the proxy without its credentials */
export function openTunnel(proxy: URL, host: string, port: number, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const fail = (what: string) => reject(new HttpError('proxy', `${proxy.host}: ${what}`));
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const credentials = [proxy.username, proxy.password].map(decode).join(':');
  const isTls = proxy.protocol === 'https:';
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  const headers = { host: target, ...(credentials !== ':' && { 'proxy-authorization': authorization }) };
  const route = { host: hostOf(proxy), port: proxy.port || (isTls ? 443 : 80), path: target };
  const request = (isTls ? https : http).request({ method: 'CONNECT', ...route, headers, agent: false });
  const timer = setTimeout(() => request.destroy(new Error('no answer')), timeoutMs);
  request.on('connect', ({ statusCode = 0 }, socket) => {
    clearTimeout(timer);
    if (statusCode >= 200 && statusCode < 300) return resolve(socket as Socket);
    socket.destroy();
    fail(`HTTP ${statusCode}`);
  });
  request.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    fail(code ?? message);
  });
  request.end();
  return promise;
}

/** Decodes percent escapes; a text with a wrong escape stays as it is. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const parseProxy = (proxy: string): URL | null => URL.parse(proxy.includes('://') ? proxy : `http://${proxy}`);

/** {@link bareHost} without the dot that may end a name. */
export const hostOf = (url: URL): string => bareHost(url).replace(/\.$/, '');

/** Loopback networks, and the unspecified address, which leads to this machine as well. */
const loopback = networks(['127.0.0.0/8', '0.0.0.0/32', '::/127']);

const isThisMachine = (host: string): boolean =>
  isIP(host) === 0 ? /^(?:.*\.)?localhost$/.test(host) : isIn(loopback, host);

function isExcepted(target: URL, except: string): boolean {
  const host = hostOf(target);
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  const entries = except.toLowerCase().match(/[^\s,]+/g) ?? [];
  return entries.some((entry) => {
    if (entry === '*') return true;
    if (entry.includes('/')) return isInNetwork(entry, host);
    const [, name = '', onPort = port] = isIP(entry) === 0 ? (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []) : [entry, entry];
    const suffix = spelt(name.replace(/^\*?\./, ''));
    if (suffix === undefined) return false;
    return onPort === port && (host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`)));
  });
}

/** False for a network that is misspelt: only the operator's own setting is tolerated so. */
function isInNetwork(network: string, host: string): boolean {
  try {
    return isIn(networks([network]), host);
  } catch {
    return false;
  }
}

/** A name or address in the spelling of URL hosts; undefined for neither. */
function spelt(name: string): string | undefined {
  const url = URL.parse(`http://${isIP(name) === 6 ? `[${name}]` : name}`);
  return url ? hostOf(url) : undefined;
}
