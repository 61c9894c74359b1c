import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import { type Attempt, attempt, type DeliverDependencies, recordOf } from '#functions/webhooks/deliveries/attempt.ts';
import type { Delivery } from '#functions/webhooks/deliveries/delivery.ts';
import { stepAfter } from '#functions/webhooks/deliveries/next-step.ts';
import { failureOf } from '#functions/webhooks/deliveries/outcome.ts';
import type { Settled } from '#functions/webhooks/deliveries/settled.ts';
import { type Endpoint, type EndpointSecrets, secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import { disabling } from '#functions/webhooks/endpoints/health.ts';
import type { HeldLease } from './held-lease.ts';
import type { Work } from './work.ts';

/** Milliseconds between two looks for more work during slow attempts: each look costs a unit. */
const longestWaitMs = 1000;

/** Milliseconds for which ends of attempts are gathered while most others are still in flight. */
const gatherForMs = 5;

/** Deliveries released at once, each by one write. */
const releasedAtOnce = 25;

/** Times that an endpoint is read again because other processes change it. */
const maxTries = 5;

/** Attempts of a drain in flight, and the results of those that have ended. */
export function newAttempts(deps: DeliverDependencies, holding: HeldLease, work: Work, settle: (one: Settled) => void) {
  let opened: { readonly encrypted: string; readonly secrets: EndpointSecrets } | undefined;
  const attempts = {
    /** Due time of the first retry that these attempts led to. */
    nextRetryAt: Number.POSITIVE_INFINITY,
    /** First fault of ours; no attempt begins after it. */
    fault: undefined as Error | undefined,
    /** Ended attempts; the drain takes them out. */
    made: [] as Attempt[],
    /** Ends of the attempts in flight, by the id of their event. */
    ends: new Map<string, Promise<void>>(),
  };

  function fail(error: Error): undefined {
    attempts.fault ??= error;
  }

  /** @throws DecryptionError unless the secrets were encrypted for this endpoint, with this data key */
  function open(endpoint: Endpoint): void {
    if (opened?.encrypted === endpoint.encrypted) return;
    opened = { encrypted: endpoint.encrypted, secrets: secretsOf(deps.dataKey, endpoint) };
  }

  /** Begins an attempt, after {@link open}. */
  function begin(delivery: Delivery, endpoint: Endpoint): void {
    const { event } = delivery;
    const end = make(delivery, endpoint)
      .catch(fail)
      .finally(() => {
        holding.end(event);
        attempts.ends.delete(event);
      });
    attempts.ends.set(event, end);
  }

  /** Waits until an attempt ends or, while there is room for others, until more work may have come. */
  async function waitForMore(hasRoom: boolean): Promise<void> {
    const enough = new AbortController();
    const ends: Promise<unknown>[] = [...attempts.ends.values()];
    if (hasRoom) ends.push(sleep(longestWaitMs, undefined, { signal: enough.signal }).catch(() => undefined));
    await Promise.race(ends);
    enough.abort();
    // Follow up attempts together that end together: each look and each change of the lease costs a unit.
    if (2 * attempts.ends.size > holding.limits.maxInFlight) await sleep(gatherForMs);
  }

  /**
   * Disables an endpoint that reports itself gone, before its delivery is held. In the reverse order, a crash in
   * between would leave a held delivery that no process looks at. The outcome of the returned attempt is `failed` if
   * the endpoint has another address since.
   */
  async function disable(made: Attempt, cause: EndpointCause, endpoint: Endpoint): Promise<Attempt> {
    const { name, createdAt, encrypted } = endpoint;
    for (let tries = 0; tries < maxTries; tries += 1) {
      const current = await deps.endpoints.find(name);
      // The next wake-up cancels the delivery of a removed endpoint.
      if (current?.createdAt !== createdAt || current.encrypted !== encrypted) break;
      if (current.status !== 'active') return made;
      const since = new Date(holding.lease.failingSince ?? made.startedAt).toISOString();
      if (await deps.endpoints.commitHealth(current, disabling(current, since, cause, made.endedAt))) return made;
    }
    return { ...made, outcome: failureOf(cause) };
  }

  /** False when a long closing concerns a removed endpoint, whose name another one has taken during the request. */
  async function isAboutIt({ outcome }: Attempt, endpoint: Endpoint): Promise<boolean> {
    if (outcome.kind !== 'failed' || outcome.retryAfterMs === undefined) return true;
    // A refused read must not keep the attempt from being recorded.
    const current = await deps.endpoints.find(endpoint.name).catch(() => endpoint);
    return current?.createdAt === endpoint.createdAt;
  }

  async function make(delivery: Delivery, endpoint: Endpoint): Promise<void> {
    const attempted = await attempt(deps, endpoint, opened!.secrets, delivery);
    const { outcome } = attempted;
    const made = outcome.kind === 'gone' ? await disable(attempted, outcome.cause, endpoint) : attempted;
    if (await isAboutIt(made, endpoint)) holding.keep(made);
    attempts.made.push(made);
    const step = stepAfter(made, endpoint, deps.random);
    const lastAttempt = recordOf(made, deps.dataKey);
    const written = await deps.deliveries.step(delivery, step, made.endedAt, { lastAttempt });
    const [after = written] = written?.status === 'HELD' ? await releasedIfResumed(deps, [written]) : [];
    work.done(delivery.event);
    if (after?.status === 'PENDING') attempts.nextRetryAt = Math.min(attempts.nextRetryAt, after.nextAttemptAt);
    // If another process changed the delivery, it also decides the next step; this process reports its attempt.
    settle({ delivery: after ?? delivery, attempt: made });
  }

  return Object.assign(attempts, { fail, open, begin, waitForMore });
}

/** Releases deliveries held just now, for new attempts, if their endpoint was resumed then: `recover` may miss them. */
export async function releasedIfResumed(deps: DeliverDependencies, held: readonly Delivery[]): Promise<Delivery[]> {
  const [first] = held;
  if (!first || (await deps.endpoints.find(first.endpoint))?.status !== 'active') return [...held];
  const now = deps.now().getTime();
  const step = { status: 'PENDING', attempt: 0, nextAttemptAt: now } as const;
  const released = async (delivery: Delivery) => (await deps.deliveries.step(delivery, step, now)) ?? delivery;
  return pLimit(releasedAtOnce).map(held, released);
}
