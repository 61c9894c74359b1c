import { clockDifference } from '#functions/clock/clock-difference.ts';
import { codeOf } from '#functions/http/tls-problem.ts';
import type { DataKey } from '#functions/lambda/data-key.ts';
import { type Message, messageOf } from '#functions/notices/message.ts';
import type { Endpoint, EndpointSecrets } from '#functions/webhooks/endpoints/endpoint.ts';
import { answerContext, currentSecrets } from '#functions/webhooks/endpoints/endpoint.ts';
import { chatBodyOf, contentTypeOf, eventBodyOf } from '#functions/webhooks/endpoints/format.ts';
import { addressIn, readerOf } from '#functions/webhooks/endpoints/reader.ts';
import type { MailAnswer, MailSender } from '#functions/webhooks/http/mail.ts';
import { signatureHeader } from '#functions/webhooks/http/signature.ts';
import { PostError, type PostFailure, type WebhookClient } from '#functions/webhooks/http/webhook-client.ts';
import type { DeliveryDependencies } from './deliveries.ts';
import type { AttemptRecord, Delivery } from './delivery.ts';
import type { DigestPlans } from './digest-plans.ts';
import { failureOf, type Outcome, outcomeOf, outcomeOfError } from './outcome.ts';

export interface DeliverDependencies extends DeliveryDependencies {
  readonly client: WebhookClient;
  readonly mail: MailSender;
  readonly plans: DigestPlans;
  readonly dataKey: DataKey;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Result of one attempt; instants are Unix times in milliseconds. */
export type Attempt = Readonly<Awaited<ReturnType<typeof attempt>>>;

/** Bytes of a body: an event has less than 20 kB, and a template may repeat parts of it. */
const mostBytes = 65_536;

type Senders = Pick<DeliverDependencies, 'client' | 'mail' | 'now' | 'steady'>;

interface Sent extends Omit<MailAnswer, 'cause'> {
  readonly outcome: Outcome;
  /** Failure of a post before any answer; its code may be `ENOTFOUND`. */
  readonly failure?: PostFailure | undefined;
  /** Milliseconds by which the clock here is ahead of the receiver's, when the answer tells. */
  readonly clockDifferenceMs?: number | undefined;
}

/** Makes one attempt: mails a digest, or posts a digest to a chat or an event to a system. */
export async function attempt(deps: Senders, endpoint: Endpoint, secrets: EndpointSecrets, delivery: Delivery) {
  const { now, steady } = deps;
  const { name, format } = endpoint;
  const { event: id, body: stored } = delivery;
  const reader = readerOf(endpoint);
  const message = reader && messageOf(JSON.parse(stored), { name, ...reader });
  const startedAt = now().getTime();
  const began = steady();

  /** Signs the body made of what is stored, and posts it (Standard Webhooks 1.0.0: same id, the attempt's time stamp). */
  async function post(): Promise<Sent> {
    const body = message ? chatBodyOf(format, message) : eventBodyOf(format, stored, secrets);
    const timestamp = Math.floor(startedAt / 1000);
    const signing = currentSecrets(secrets, startedAt);
    const headers = {
      ...secrets.headers,
      'content-type': contentTypeOf(format),
      'user-agent': 'transfer-notifier',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      ...(signing.length > 0 && { 'webhook-signature': signatureHeader(signing, id, timestamp, body) }),
    };
    try {
      if (format === 'template' && Buffer.byteLength(body) > mostBytes) throw new PostError('broken', 'BODY_TOO_LONG');
      const answer = await deps.client.post(secrets.url, headers, body);
      return {
        outcome: outcomeOf(format, answer, now()),
        status: answer.status,
        response: answer.body,
        clockDifferenceMs: clockDifference(answer.headers, now().getTime()),
      };
    } catch (error) {
      const code = codeOf(error);
      // Node refuses to send some requests: only their own delivery fails, and none behind it.
      const missed =
        error instanceof PostError ? error : code === undefined ? undefined : new PostError('broken', code);
      if (!missed) throw error;
      return { outcome: outcomeOfError(missed), failure: missed.failure, code: missed.code };
    }
  }

  async function mail(digest: Message): Promise<Sent> {
    const wanted = { id, reader: name, address: addressIn(secrets.url), message: digest };
    const { cause, ...answer } = await deps.mail.send(wanted);
    return { ...answer, outcome: cause ? failureOf(cause, cause === 'throttled') : { kind: 'delivered' } };
  }

  const sent = await (message && format === 'email' ? mail(message) : post());
  // By the steady clock, for the wall clock may be set during the attempt.
  return { delivery, startedAt, endedAt: startedAt + (steady() - began), ...sent };
}

/** Characters kept of the answer to a successful attempt: more would make its row cost more. */
const successLength = 100;

/** Record of an attempt for the table, with the answer encrypted. */
export function recordOf(made: Attempt, dataKey: DataKey): AttemptRecord {
  const { delivery, startedAt, outcome, status, response } = made;
  const kept = outcome.kind === 'delivered' ? response?.slice(0, successLength) : response;
  return {
    ...attemptFacts(made),
    startedAt: new Date(startedAt).toISOString(),
    status,
    ...(kept && { response: dataKey.encrypt(kept, answerContext(delivery.endpoint)) }),
  };
}

/** Facts of an attempt for its record and the log, without the answer. */
export const attemptFacts = ({ delivery, startedAt, endedAt, outcome, failure, code }: Attempt) => ({
  attempt: delivery.attempt + 1,
  durationMs: endedAt - startedAt,
  outcome: outcome.kind,
  ...('cause' in outcome && { cause: outcome.cause }),
  failure,
  code,
});
