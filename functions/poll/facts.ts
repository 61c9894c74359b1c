import pLimit from 'p-limit';
import type { Deadline } from '#functions/clock/instants.ts';
import type { CryptshareClient } from '#functions/cryptshare/client.ts';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import { hash } from '#functions/transfers/digest.ts';
import { type Facts, type FollowingWatch, follows } from '#functions/transfers/follow.ts';
import { isActive, isFinal, type State, watchKey } from '#functions/transfers/transfer.ts';

/** Requests of one poll for single transfers, where the list gives no details. A bucket that begins is completed. */
const looksPerPoll = 20;

/** Milliseconds without such requests after a failure: they must not have the circuit breaker stop listings. */
const restMs = 900_000;

/** Milliseconds that such requests may take in all, because states wait for them. */
const longestMs = 10_000;

/** Transfers that have ended whose last fetches one poll asks for. */
const mostEnded = 100;

/** Answer about a single transfer; undefined for one that the server does not know. */
export type Status = Awaited<ReturnType<CryptshareClient['status']>>;

/** Source of the answers: a server, and the watch that asks. */
export interface Inquiry {
  readonly server: CryptshareClient;
  readonly watch: FollowingWatch;
  readonly deadline: Deadline;
}

/** The bucket at which the next poll of a watch in this process begins, by watch. */
const turns = new Map<string, number>();

/**
 * Asks for the facts of single transfers, by bucket, that a list has no details of. Whole buckets take turns, because
 * only these can be compared: so the oldest look comes first. `odd`: active transfers whose answers had no facts.
 * `isLacking`: no answer had facts.
 */
export async function askForFacts(inquiry: Inquiry, untold: ReadonlyMap<number, readonly string[]>) {
  const key = watchKey(inquiry.watch);
  // A larger bucket is about to be divided.
  const isUsual = (bucket: number) => untold.get(bucket)!.length <= 5 * looksPerPoll;
  const buckets = [...untold.keys()].filter(isUsual).sort((a, b) => a - b);
  // A new process begins anywhere, otherwise the last buckets would wait for a process that lives long.
  const start = turns.get(key) ?? buckets[(hash(String(inquiry.deadline)).high >>> 0) % buckets.length]!;
  const inTurn = [...buckets.filter((bucket) => bucket >= start), ...buckets.filter((bucket) => bucket < start)];
  const ids: string[] = [];
  for (const bucket of inTurn) {
    turns.set(key, bucket);
    if (ids.length >= looksPerPoll) break;
    ids.push(...untold.get(bucket)!);
  }
  const answers = await askUnlessResting(inquiry, ids);
  // Transfers that ended after the list was made count among the ended ones.
  const active = new Map([...answers].filter(([, answer]) => answer && isActive(answer.state)));
  const facts = factsIn(active);
  const odd = [...active.keys()].filter((id) => !facts.has(id));
  return { facts, odd, requests: answers.size, isLacking: facts.size === 0 && [...answers.values()].some(Boolean) };
}

/** Asks once for the last fetches of transfers that have ended; beyond 100, the end must not wait for them. */
export async function factsOfEnded(
  inquiry: Inquiry,
  rows: ReadonlyMap<string, TransferRow>,
  listed: ReadonlyMap<string, State>,
): Promise<Map<string, Facts>> {
  if (!follows(inquiry.watch, 'downloads')) return new Map();
  const ended = [...listed].filter(([trackingId, state]) => {
    const row = rows.get(trackingId);
    return row?.followed && isActive(row.state) && isFinal(state);
  });
  const ids = ended.slice(0, mostEnded).map(([trackingId]) => trackingId);
  return factsIn(await askUnlessResting(inquiry, ids));
}

/** Asks for transfers until a request fails; `skipsOdd` passes over unreadable answers. Unknown ones are undefined. */
export async function askForEach({ server, watch, deadline }: Inquiry, ids: readonly string[], skipsOdd = false) {
  const answers = new Map<string, Status>();
  let failure: CryptshareFailure | undefined;
  await pLimit(4).map(ids, async (trackingId) => {
    if (failure) return;
    try {
      answers.set(trackingId, await server.status(watch, trackingId, deadline));
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
      // This transfer alone cannot be read.
      if (skipsOdd && /^(?:answer_too_large|malformed_answer)$/.test(error.kind))
        answers.set(trackingId, { state: 'ACTIVE', facts: undefined });
      else failure = error;
    }
  });
  return { answers, failure };
}

/** Asks for facts alone: in 10 s at most, and not at all for a while after a failure. Only senders may ask. */
async function askUnlessResting(inquiry: Inquiry, ids: readonly string[]): Promise<ReadonlyMap<string, Status>> {
  const { server, watch, deadline } = inquiry;
  const { now, steady } = server.calls.options;
  const isResting = ['', watch.mailbox].some((one) => {
    const rest = (server.restUntil.get(one) ?? 0) - now().getTime();
    return rest > 0 && rest <= restMs;
  });
  if (isResting || watch.direction !== 'sent') return new Map();
  const inTime = { ...inquiry, deadline: Math.min(deadline, steady() + longestMs) };
  const { answers, failure } = await askForEach(inTime, ids, true);
  // The failure of one mailbox must not hold up others.
  const whose = failure?.kind === 'throttled' ? '' : watch.mailbox;
  if (failure) server.restUntil.set(whose, now().getTime() + restMs);
  return answers;
}

const factsIn = (answers: ReadonlyMap<string, Status>) =>
  new Map([...answers].flatMap(([trackingId, answer]) => (answer?.facts ? [[trackingId, answer.facts]] : [])));
