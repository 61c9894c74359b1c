import { clockDifference } from '#functions/clock/clock-difference.ts';
import { codeOf } from '#functions/http/tls-problem.ts';
import type { DataKey } from '#functions/lambda/data-key.ts';
import {
  answerContext,
  currentSecrets,
  type Endpoint,
  type EndpointSecrets,
} from '#functions/webhooks/endpoints/endpoint.ts';
import { bodyOf, contentTypeOf } from '#functions/webhooks/endpoints/format.ts';
import { signatureHeader } from '#functions/webhooks/http/signature.ts';
import { PostError, type WebhookClient } from '#functions/webhooks/http/webhook-client.ts';
import type { DeliveryDependencies } from './deliveries.ts';
import type { AttemptRecord, Delivery } from './delivery.ts';
import { outcomeOf, outcomeOfError } from './outcome.ts';

export interface DeliverDependencies extends DeliveryDependencies {
  readonly client: WebhookClient;
  readonly dataKey: DataKey;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Result of one attempt; instants are Unix times in milliseconds. */
export type Attempt = Readonly<Awaited<ReturnType<typeof attempt>>>;

/** Bytes of a body: an event has less than 20 kB, and a template may repeat parts of it. */
const mostBytes = 65_536;

/** Signs the body made of a stored event and posts it (Standard Webhooks 1.0.0: same id, the attempt's time stamp). */
export async function attempt(
  { client, now, steady }: Pick<DeliverDependencies, 'client' | 'now' | 'steady'>,
  { format }: Endpoint,
  secrets: EndpointSecrets,
  delivery: Delivery,
) {
  const body = bodyOf(format, delivery.body, secrets);
  const startedAt = now().getTime();
  const began = steady();
  const timestamp = Math.floor(startedAt / 1000);
  const signing = currentSecrets(secrets, startedAt);
  const sent = {
    ...secrets.headers,
    'content-type': contentTypeOf(format),
    'user-agent': 'transfer-notifier',
    'webhook-id': delivery.event,
    'webhook-timestamp': String(timestamp),
    ...(signing.length > 0 && { 'webhook-signature': signatureHeader(signing, delivery.event, timestamp, body) }),
  };
  const isTooLong = format === 'template' && Buffer.byteLength(body) > mostBytes;
  const posted = isTooLong
    ? Promise.reject(new PostError('broken', 'BODY_TOO_LONG'))
    : client.post(secrets.url, sent, body);
  const result = await posted.catch((error: unknown) => {
    if (error instanceof PostError) return error;
    const code = codeOf(error);
    // Node refuses to send some requests: only their own delivery fails, and none behind it.
    if (code !== undefined) return new PostError('broken', code);
    throw error;
  });
  const [answer, missed] = result instanceof PostError ? [undefined, result] : [result, undefined];
  return {
    delivery,
    startedAt,
    // By the steady clock, for the wall clock may be set during the attempt.
    endedAt: startedAt + (steady() - began),
    outcome: answer ? outcomeOf(format, answer, now()) : outcomeOfError(missed),
    /** HTTP status and first KB of the body, when the receiver answered. */
    status: answer?.status,
    response: answer?.body,
    /** Failure before any answer, with Node's code for it, for example `ENOTFOUND`. */
    failure: missed?.failure,
    code: missed?.code,
    /** Milliseconds by which the clock here is ahead of the receiver's, when the answer tells. */
    clockDifferenceMs: answer && clockDifference(answer.headers, now().getTime()),
  };
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
