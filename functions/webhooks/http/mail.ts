import { createHash } from 'node:crypto';
import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import type { Message } from '#functions/notices/message.ts';

export interface Mail {
  /** Id of the digest: a repetition has the same. */
  readonly id: string;
  /** Name of the reader in the configuration. */
  readonly reader: string;
  readonly address: string;
  readonly message: Message;
}

/** The result of sending a mail. Without a `cause`, the mail server or topic has taken it. */
export interface MailAnswer {
  readonly cause?: EndpointCause | undefined;
  /** Status of the answer, for example 250 of SMTP. */
  readonly status?: number | undefined;
  /** The first KB of the answer in the receiver's own words; for operators alone. */
  readonly response?: string | undefined;
  /** Node's code of a failure before any answer, for example `ECONNREFUSED`. */
  readonly code?: string | undefined;
}

/** Sends mails: by SNS on AWS, by SMTP on one box. */
export interface MailSender {
  send(mail: Mail): Promise<MailAnswer>;
}

/** The number of the topic that has a reader's subscription: by hash, so that no other reader moves it. */
export const topicOf = (reader: string, topics: number): number =>
  createHash('sha256').update(reader).digest().readUInt32BE() % topics;
