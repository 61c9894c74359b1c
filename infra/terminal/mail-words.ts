import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import { type TlsFinding, tlsProblemOf } from '#functions/http/tls-problem.ts';

/** Facts that tell how sending a mail ended. */
export interface MailFacts {
  readonly cause?: EndpointCause | string | undefined;
  /** Node's code for a failure, for example `ECONNREFUSED`. */
  readonly code?: string | undefined;
  /** Status of SMTP. */
  readonly status?: number | undefined;
}

interface Words {
  readonly says: string;
  readonly remedy: string;
}

const failures: { readonly [Cause in EndpointCause]?: Words } = {
  mail_login_refused: {
    says: 'the mail server refuses user or password',
    remedy:
      'correct the user in notify.smtp.url and the environment variable SMTP_PASSWORD; some servers want an app password, or login by SMTP to be switched on',
  },
  mail_refused: {
    says: 'the mail server refuses the mail',
    remedy: 'look at its answer; correct the address, or have the server take mails from notify.smtp.from to it',
  },
  throttled: {
    says: 'the mail server asks to come again later',
    remedy: 'wait for the next attempt; if it stays like this, look at its answer, and send digests less often',
  },
  timeout: {
    says: 'the mail server gives no answer within 15 s',
    remedy: 'check port and protocol in notify.smtp.url: smtps: for port 465, smtp: for port 587',
  },
  unreachable: {
    says: 'the mail server cannot be reached',
    remedy: 'check host and port in notify.smtp.url, whether it runs, and the network and firewalls on the way',
  },
  untrusted_certificate: { says: 'TLS with the mail server fails', remedy: 'look at the log of the mail server' },
};

const codes: Readonly<Record<string, Words>> = {
  ENOTFOUND: {
    says: 'the name of the mail server cannot be resolved',
    remedy: 'check the host name in notify.smtp.url, and DNS',
  },
  ECONNRESET: {
    says: 'the mail server has ended the connection',
    remedy: 'look at its log; smtps: is for port 465, smtp: for port 587',
  },
  EPROTOCOL: { says: 'it does not answer as a mail server does', remedy: 'check host and port in notify.smtp.url' },
  STARTTLS_REFUSED: {
    says: 'the mail server offers no encryption by STARTTLS',
    remedy: 'have STARTTLS switched on there, or use smtps: with port 465 in notify.smtp.url',
  },
};

/** Remedies of problems with TLS where a mail server needs another than the Cryptshare Server. */
const tlsRemedies: { readonly [Finding in TlsFinding]?: string } = {
  other_host: 'use a name in notify.smtp.url that the certificate lists, or have a certificate issued for this name',
  unknown_authority:
    'start the notifier with NODE_EXTRA_CA_CERTS=FILE, the certificate (PEM) of the authority that issued it, and have the server send its intermediate certificates',
  client_certificate: 'have the mail server let the notifier in without one',
  no_tls: 'check port and protocol in notify.smtp.url: smtps: for port 465, smtp: for port 587',
  unknown_host: 'check the host name in notify.smtp.url',
  refused: 'look at the log of the mail server',
};

/** For a mail on AWS, where the code is the name of an error of SNS. */
const sns: Words = {
  says: 'SNS has not taken the mail',
  remedy: 'look at the state of SNS, and whether the function that delivers may publish to the topic',
};

/** HTTP statuses that ask to slow down; SMTP has no such. */
const httpSlowing: ReadonlySet<number | undefined> = new Set([429, 502, 503, 504]);

/**
 * Tells why a mail was not sent, and what to do; undefined for an attempt that was no mail or succeeded.
 *
 * @example `{ says: 'the mail server refuses the mail (SMTP 552)', remedy: 'look at its answer; …' }`
 */
export function mailFailureWords({ cause, code, status }: MailFacts): Words | undefined {
  const usual = failures[cause as EndpointCause];
  if (!usual || (cause === 'throttled' && httpSlowing.has(status))) return undefined;
  const { says, remedy } = code === undefined ? usual : (codes[code] ?? groupOf(cause, code) ?? usual);
  const detail = status === undefined ? code : `SMTP ${status}`;
  return { says: detail === undefined ? says : `${says} (${detail})`, remedy };
}

/** Words for a code that is one of many. */
function groupOf(cause: string | undefined, code: string): Words | undefined {
  if (cause === 'unreachable') return isOfNode(code) ? undefined : sns;
  const tls = cause === 'untrusted_certificate' ? tlsProblemOf(code) : undefined;
  return tls && { says: `the mail server’s ${tls.says}`, remedy: tlsRemedies[tls.finding] ?? tls.remedy };
}

/** SNS names its errors as `ThrottledException`. */
const isOfNode = (code: string): boolean => /^[A-Z_]+$/.test(code);
