import pLimit from 'p-limit';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { type Delivery, isDue } from '#functions/webhooks/deliveries/delivery.ts';
import { stepWithoutAttempt } from '#functions/webhooks/deliveries/next-step.ts';
import type { Settled } from '#functions/webhooks/deliveries/settled.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import type { Work } from './work.ts';

/** Deliveries put aside at once, each by one write. */
const concurrency = 25;

/**
 * Holds the deliveries of a paused or disabled endpoint, and cancels those of a removed one. True when work is left. It
 * needs no lease: it makes no request, and changes a delivery only if its `rev` has not changed.
 */
export async function putAside(
  deps: DeliverDependencies,
  work: Work,
  read: Endpoint | undefined,
  beginUntil: number,
  settle: (settled: Settled) => void,
): Promise<boolean> {
  const now = () => deps.now().getTime();
  const held: Delivery[] = [];
  let endpoint = read;
  // No sweep looks at a removed endpoint later, so take all of its retries now.
  if (!endpoint) work.takeAllRetries();
  while (deps.steady() < beginUntil) {
    const look = await work.look(concurrency, true);
    if (!look) break;
    endpoint = look.endpoint;
    await Promise.all(
      look.deliveries.map(async (delivery) => {
        const isWaiting = delivery.status === 'PENDING' && (!endpoint || isDue(delivery, now()));
        const step = isWaiting ? stepWithoutAttempt(delivery, endpoint) : undefined;
        const taken = step && (await deps.deliveries.step(delivery, step, now()));
        if (step || !isWaiting) work.done(delivery.event);
        // The endpoint was resumed at this very moment.
        else work.putBack(delivery.event);
        if (taken?.status === 'HELD') held.push(taken);
        else if (taken) settle({ delivery: taken });
      }),
    );
    if (endpoint?.status === 'active') break;
  }
  // Before what is done is given up: should it fail, the queue brings the wake-up again.
  const checked = await releasedIfResumed(deps, held);
  for (const delivery of checked) settle({ delivery });
  const isShort = deps.steady() >= beginUntil;
  const isLeft = await work.leave(false);
  if (!endpoint) await Promise.all([deps.leases.forget(work.name), deps.plans.forget(work.name)]);
  return checked.some(({ status }) => status === 'PENDING') || isLeft || isShort;
}

/** Releases deliveries held just now, for new attempts, if their endpoint was resumed then: `recover` may miss them. */
export async function releasedIfResumed(deps: DeliverDependencies, held: readonly Delivery[]): Promise<Delivery[]> {
  const [first] = held;
  if (!first || (await deps.endpoints.find(first.endpoint))?.status !== 'active') return [...held];
  const now = deps.now().getTime();
  const step = { status: 'PENDING', attempt: 0, nextAttemptAt: now } as const;
  const released = async (delivery: Delivery) => (await deps.deliveries.step(delivery, step, now)) ?? delivery;
  return pLimit(concurrency).map(held, released);
}
