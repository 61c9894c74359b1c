import { type TlsFinding, tlsProblemOf } from '#functions/http/tls-problem.ts';
import type { PostFailure } from '#functions/webhooks/http/webhook-client.ts';
import { type MailFacts, mailFailureWords } from './mail-words.ts';

/** Remedies of problems with TLS where the receiver of a webhook needs another than the Cryptshare Server. */
const receiverRemedies: { readonly [Finding in TlsFinding]?: string } = {
  other_host: 'use a name in its URL that the certificate lists, or have a certificate issued for this name',
  unknown_authority:
    'have it send its intermediate certificates; for a private authority, start the local run with NODE_EXTRA_CA_CERTS=FILE (PEM), and on AWS use a public one',
  client_certificate: 'have the receiver check the signature of each webhook in place of a client certificate',
  no_tls: 'check the port in its URL',
  unknown_host: 'check the host name in its URL',
  refused: 'look at the receiver’s log',
};

/** Facts that tell how a delivery attempt ended. The status is that of HTTP or, for a mail, of SMTP. */
interface AttemptFacts extends MailFacts {
  /** Undefined for an answer, and for all mails. */
  readonly failure?: PostFailure | undefined;
  readonly outcome?: string | undefined;
}

interface Words {
  readonly says: string;
  readonly remedy: string;
}

const network = 'check its address, and the network and firewalls between here and there';

const failures: Record<PostFailure, Words> = {
  forbidden_target: {
    says: 'its address is not on the public internet',
    remedy: 'correct its URL or its DNS records; a local run allows it with npm start -- --allow-private-webhooks',
  },
  unresolvable: { says: 'its name cannot be resolved', remedy: 'check the host name in its URL, and DNS' },
  connect_timeout: { says: 'no connection within 5 s', remedy: network },
  timeout: { says: 'no answer within 15 s', remedy: 'have it answer first and work later' },
  refused: { says: 'the connection was refused', remedy: `see whether it runs, and on that port; ${network}` },
  proxy: {
    says: 'the proxy of the notifier does not lead to it',
    remedy: 'check the setting proxy, and whether the proxy allows its address',
  },
  tls: { says: 'TLS failed', remedy: 'look at the receiver’s log' },
  broken: {
    says: 'the connection broke before an answer',
    remedy: 'look at the receiver’s log, and at that of a proxy before it',
  },
  headers_too_large: {
    says: 'the headers of its answer are too large',
    remedy: 'have it answer with less than 16 KB of headers',
  },
};

/** Describes the end of an attempt: `HTTP 204`, `SMTP 250`, or `its name cannot be resolved (ENOTFOUND)`. */
export function attemptWords(facts: AttemptFacts): string {
  const { failure, code, status, cause } = facts;
  if (failure === undefined) {
    const mail = mailFailureWords({ cause, code, status });
    if (mail) return mail.says;
    if (status === undefined) return isTaken(facts) ? 'taken' : 'not told';
    return `${smtpSuccess.has(status) ? 'SMTP' : 'HTTP'} ${status}`;
  }
  const { says } = wordsOf(failure, code);
  return code === undefined ? says : `${says} (${code})`;
}

/** True for a success without a number, as of a mail that the operating system took. */
export const isTaken = ({ outcome, status }: Pick<AttemptFacts, 'outcome' | 'status'>): boolean =>
  outcome === 'delivered' && status === undefined;

/** Remedy for an attempt without an answer, or for a mail; undefined when the receiver of a webhook answered. */
export function attemptRemedy({ failure, code, status, cause }: AttemptFacts): string | undefined {
  return failure ? wordsOf(failure, code).remedy : mailFailureWords({ cause, code, status })?.remedy;
}

/** Replies to a mail that was taken (RFC 5321, 4.2.3); HTTP has none of them. */
const smtpSuccess: ReadonlySet<number> = new Set([250, 251, 252]);

const bodyTooLong = {
  says: 'its body would exceed 64 KB, and was not sent',
  remedy: 'shorten its template: endpoint preview shows the body',
};

function wordsOf(failure: PostFailure, code: string | undefined): Words {
  if (code === 'BODY_TOO_LONG') return bodyTooLong;
  const tls = failure === 'tls' && code !== undefined ? tlsProblemOf(code) : undefined;
  return tls ? { says: `its ${tls.says}`, remedy: receiverRemedies[tls.finding] ?? tls.remedy } : failures[failure];
}
