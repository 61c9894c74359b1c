import { z } from 'zod';
import { describe } from 'zod/mini';
import { bareHost } from '#functions/http/networks.ts';
import { address } from '#functions/transfers/mailbox-address.ts';
import { isLoopback } from './plain-address.ts';

/** Environment variable with the password of the user in `notify.smtp.url`. */
export const smtpPasswordVariable = 'SMTP_PASSWORD';

/** Way to a mail server. */
export interface SmtpTransport {
  /** Name in ASCII, or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** True for TLS from the first byte, false for STARTTLS (RFC 8314, 3.3). */
  readonly isImplicitTls: boolean;
  /** False where the mail never leaves this machine: TLS is then used if offered, and the certificate is not checked. */
  readonly mustEncrypt: boolean;
  /** Undefined for a server that wants no login. */
  readonly user: string | undefined;
}

const example = 'smtp://user@mail.example.com:587 (STARTTLS) or smtps://user@mail.example.com:465 (TLS)';

/** Ports of submission (RFC 6409; RFC 8314). */
const usualPorts = { 'smtp:': 587, 'smtps:': 465 } as const;

/** Reason why a URL names no mail server; it repeats nothing of the URL, which may hold a password. */
function smtpUrlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !Object.hasOwn(usualPorts, url.protocol)) return `expected a mail server such as ${example}`;
  if (url.password !== '')
    return `expected no password here, where all readers of the file see it: put it into the environment variable ${smtpPasswordVariable}`;
  if (url.hostname === '' || !asciiHost(url)) return `expected the host name of a mail server, as in ${example}`;
  if (!/^\/?$/.test(url.pathname) || url.search + url.hash !== '')
    return 'expected nothing behind the port: no path, query or fragment';
  const user = decoded(url.username);
  if (user === undefined) return 'expected a % in the user name to be written as %25';
  return /\p{Cc}/u.test(user) ? 'expected a user name without control characters' : undefined;
}

/** The mail server that a local run sends by; its password comes from the environment. */
export const smtpSettings = z.strictObject({
  url: z
    .string(`expected a mail server such as ${example}`)
    .superRefine((url, { addIssue }) => {
      const message = smtpUrlProblem(url);
      if (message) addIssue({ code: 'custom', message });
    })
    .describe(`Mail server: ${example}; the password is in the environment variable ${smtpPasswordVariable}`),
  from: address.check(describe('Address that mails come from; the server must let the user send from it')),
});

export type SmtpSettings = z.output<typeof smtpSettings>;

/**
 * Reads a valid URL.
 *
 * @example smtpTransportOf('smtps://ops%40example.com@mail.example.com'); // { host: 'mail.example.com', port: 465, … }
 */
export function smtpTransportOf(text: string): SmtpTransport {
  const url = URL.parse(text)!;
  const protocol = url.protocol as keyof typeof usualPorts;
  const { hostname } = asciiHost(url)!;
  const isImplicitTls = protocol === 'smtps:';
  return {
    host: bareHost({ hostname } as URL),
    port: Number(url.port) || usualPorts[protocol],
    isImplicitTls,
    mustEncrypt: isImplicitTls || !isLoopback(hostname),
    user: decoded(url.username) || undefined,
  };
}

/** Only URLs of the web have their host brought into lower case, ASCII and the usual form of addresses. */
const asciiHost = ({ hostname }: URL): URL | null => URL.parse(`http://${unescaped(hostname)}`);

/** Undoes the escapes of a name in another script. */
const unescaped = (hostname: string): string => decoded(hostname) ?? hostname;

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
