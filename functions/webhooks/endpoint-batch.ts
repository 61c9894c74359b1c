import { randomUUID } from 'node:crypto';
import { clockWords } from '../clock-difference.ts';
import { type Attempt, attempt, secretsOf } from './attempt.ts';
import { nextAttemptAt } from './backoff.ts';
import type { DeliverDependencies } from './deliver.ts';
import type { Deliveries } from './deliveries.ts';
import { claimDuration, type Delivery, type NextStep } from './delivery.ts';
import type { Endpoint, EndpointSecrets } from './endpoint.ts';
import type { EndpointCause } from './endpoint-event.ts';
import { disabling, nextEndpointHealth } from './endpoint-health.ts';
import { Endpoints } from './endpoints.ts';
import { limitsOf } from './format.ts';
import { admit, type Gate, leave, type Passage } from './gate.ts';

/** What became of one delivery. */
export interface Settled {
  /** As it is now. */
  readonly delivery: Delivery;
  /** The attempt that was made, if one was. */
  readonly attempt: Attempt | undefined;
}

/** Deliveries to one endpoint that are due. */
export interface DueBatch {
  readonly deliveries: readonly Delivery[];
  /** The stored body of an event; undefined once it has expired. */
  bodyOf(event: string): string | undefined;
}

/** Milliseconds to wait when too many processes are at the gate at once. */
const crowdedWait = 2000;

type Deps = DeliverDependencies & { readonly deliveries: Deliveries };

/** Looks after the due deliveries of one endpoint. */
export async function deliverTo(
  deps: Deps,
  endpoint: Endpoint | undefined,
  gate: Gate,
  { deliveries: due, bodyOf }: DueBatch,
): Promise<Settled[]> {
  const settled: Settled[] = [];
  const attemptable: { delivery: Delivery; body: string }[] = [];
  for (const delivery of due) {
    const body = bodyOf(delivery.event);
    const step = stepWithoutAttempt(delivery, endpoint, body);
    if (!step) attemptable.push({ delivery, body: body! });
    else settled.push(...(await take(deps, delivery, step)));
  }
  if (settled.some(({ delivery }) => delivery.status === 'HELD')) await releaseIfActive(deps, endpoint!.name, settled);
  if (!endpoint || attemptable.length === 0) return settled;

  const hold = randomUUID();
  const now = deps.now().getTime();
  const secrets = secretsOf(deps.dataKey, endpoint);
  const limits = limitsOf(endpoint.format, endpoint.maxInFlight);
  const asking = attemptable.map(({ delivery }) => delivery);
  const entry = await deps.gates.change(endpoint.name, gate, (current) =>
    admit(current, hold, asking, limits, now, now + claimDuration),
  );
  // Too many batches at the gate: as good as a full house.
  const places = entry?.places ?? asking.map(() => now + crowdedWait);
  // One that fails must not leave the others unattended in the middle of their requests.
  const outcomes = await Promise.allSettled(
    attemptable.map(async ({ delivery, body }, at): Promise<Settled[]> => {
      const place = places[at]!;
      if (place === 'enter') return attemptClaimed(deps, endpoint, secrets, delivery, body);
      return take(deps, delivery, {
        status: 'PENDING',
        attempt: delivery.attempt,
        nextAttemptAt: place,
        hasPlace: true,
      });
    }),
  );
  const results = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  if (entry?.places.includes('enter')) await depart(deps, endpoint, entry.gate, hold, results);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return [...settled, ...results];
}

/** What becomes of a delivery that is not to be attempted. */
function stepWithoutAttempt(
  { endpointSince, attempt: made, status }: Delivery,
  endpoint: Endpoint | undefined,
  body: string | undefined,
): NextStep | undefined {
  if (!endpoint || endpoint.createdAt !== endpointSince) return { status: 'CANCELLED', reason: 'endpoint_removed' };
  if (body === undefined) return { status: 'CANCELLED', reason: 'event_expired' };
  if (endpoint.status !== 'active') return { status: 'HELD', reason: endpoint.status };
  // What kills its own function must not do so for ever.
  if (status === 'CLAIMED' && made > endpoint.retryDelays.length) return { status: 'FAILED', reason: 'interrupted' };
  return undefined;
}

/** Whoever resumes an endpoint in this very moment may not have seen what was held just now. */
async function releaseIfActive(deps: Deps, name: string, settled: Settled[]): Promise<void> {
  const endpoint = await new Endpoints(deps.dynamo, deps.table).find(name);
  if (endpoint?.status !== 'active') return;
  for (const [at, { delivery }] of settled.entries()) {
    if (delivery.status !== 'HELD') continue;
    const nextAttempt = { status: 'PENDING', attempt: delivery.attempt, nextAttemptAt: deps.now().getTime() } as const;
    const [released] = await take(deps, delivery, nextAttempt);
    if (released) settled[at] = released;
  }
}

/** Claims a delivery, attempts it, and writes down what follows. */
async function attemptClaimed(
  deps: Deps,
  endpoint: Endpoint,
  secrets: EndpointSecrets,
  due: Delivery,
  body: string,
): Promise<Settled[]> {
  const [claimed] = await take(deps, due, {
    status: 'CLAIMED',
    attempt: due.attempt + 1,
    claimedUntil: deps.now().getTime() + claimDuration,
  });
  if (!claimed) return [];
  const made = await attempt(deps, endpoint, secrets, claimed.delivery, body);
  const delivery = await deps.deliveries.step(claimed.delivery, stepAfter(made, endpoint, deps.random), made.endedAt);
  // Somebody else has taken it meanwhile: what follows is theirs to say, that there was an attempt is ours.
  return [{ delivery: delivery ?? { ...claimed.delivery, status: 'CLAIMED' }, attempt: made }];
}

function stepAfter({ delivery, outcome, endedAt }: Attempt, endpoint: Endpoint, random: () => number): NextStep {
  if (outcome.kind === 'delivered') return { status: 'DELIVERED' };
  if (outcome.kind === 'rejected') return { status: 'FAILED', reason: 'rejected' };
  if (outcome.kind === 'gone') return { status: 'HELD', reason: outcome.cause };
  const { attempt: made } = delivery;
  const { retryDelays } = endpoint;
  const at = nextAttemptAt({ attempt: made, retryDelays, retryAfter: outcome.retryAfter, endedAt, random });
  if (at === undefined) return { status: 'FAILED', reason: outcome.cause };
  return { status: 'PENDING', attempt: made, nextAttemptAt: at };
}

/** Takes the attempts out of the gate, and tells operators what the gate shows of the endpoint's health. */
async function depart(
  deps: Deps,
  endpoint: Endpoint,
  gate: Gate,
  hold: string,
  settled: readonly Settled[],
): Promise<void> {
  const attempts = settled.flatMap(({ attempt: made }) => made ?? []);
  const passages = attempts.map(passageOf);
  const left = await deps.gates.change(endpoint.name, gate, (current) => ({ gate: leave(current, hold, passages) }));
  if (!left || attempts.length === 0) return;
  const now = deps.now().getTime();
  const causes = attempts.flatMap(({ outcome }) => ('cause' in outcome ? [outcome.cause] : []));
  const isGone = attempts.find(({ outcome }) => outcome.kind === 'gone');
  const change = isGone
    ? disabling(
        endpoint,
        new Date(left.gate.failingSince ?? isGone.startedAt).toISOString(),
        causes.at(-1) as EndpointCause,
        now,
      )
    : nextEndpointHealth(endpoint, left.gate, causes.at(-1), now, wrongClock(attempts.at(-1)));
  if (change) await new Endpoints(deps.dynamo, deps.table).commitHealth(endpoint, change);
}

/** Statuses by which receivers refuse a signature, which is made for a time. */
const refusals = new Set([400, 401, 403]);

const wrongClock = (made: Attempt | undefined): string | undefined =>
  made && refusals.has(made.status ?? 0) ? clockWords(made.clockDifference, 'the receiver’s') : undefined;

function passageOf({ startedAt, endedAt, outcome }: Attempt): Passage {
  const isSuccess = outcome.kind === 'delivered' || outcome.kind === 'rejected';
  const { slowDown, retryAfter } = outcome.kind === 'failed' ? outcome : { slowDown: false, retryAfter: undefined };
  return { startedAt, endedAt, isSuccess, slowDown, retryAfter };
}

async function take(deps: Deps, delivery: Delivery, step: NextStep): Promise<Settled[]> {
  const taken = await deps.deliveries.step(delivery, step, deps.now().getTime());
  return taken ? [{ delivery: taken, attempt: undefined }] : [];
}
