import { putRows } from '#functions/dynamodb/batch.ts';
import { eventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { type Delivery, deliveryKey, duePart } from '#functions/webhooks/deliveries/delivery.ts';
import { addEndpoint, existingEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import type { WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import type { Sweep } from '#functions/webhooks/engine/sweep.ts';
import { FaultPlan } from './aws-faults.ts';
import { exampleEvent, type Received, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

export const second = 1000;

/** The world of the test that runs, with one endpoint, `crm`, that processes drain. */
export let world: WebhookWorld;

/** Gives a test a world of its own. */
export async function startDrainWorld(): Promise<() => Promise<void>> {
  world = await startWebhookWorld();
  return () => world.close();
}

export const events = Array.from({ length: 40 }, (_, index) => exampleEvent(`transfer-${index}`));
export const [first, other, third] = events as [TransferEvent, TransferEvent, TransferEvent];

export const now = (): number => world.clock.now().getTime();

export const add = (settings: Partial<EndpointSettingsInput> = {}) =>
  addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), ...settings });

/** Announces events, and takes their wake-ups away. */
export async function prepare(...some: readonly TransferEvent[]): Promise<void> {
  await world.fanOut(...some);
  await world.takeWakeUps();
}

export const wakeUpFor = (...some: readonly { readonly id: string }[]): WakeUp => ({
  endpoint: 'crm',
  events: some.map(({ id }) => id),
});

/** What another process works with, which knows no lease yet. */
export const another = (): DeliverDependencies => ({ ...world.deps, leases: world.otherLeases() });

/** Ids of the events that the receiver got, in the order of their requests. */
export const ids = (): string[] => world.received.map(({ headers }) => String(headers['webhook-id']));

/** How often the receiver got an event. */
export const timesOf = ({ id }: { readonly id: string }): number => ids().filter((one) => one === id).length;

export const idsOf = (some: readonly { readonly id: string }[]): string[] => some.map(({ id }) => id).toSorted();

export const deliveryOf = async ({ id }: { readonly id: string }): Promise<Delivery> =>
  (await world.trace(id)).deliveries[0]!;

/** Rows whose sort keys begin alike. */
export const rowsLike = async (begin: string) => (await world.dump()).filter(({ sk }) => sk.startsWith(begin));

/** Requests that processes have left to the one that holds the endpoint. */
export const requests = () => rowsLike('REQUEST#');

/** How many deliveries there are of each status. */
export async function statuses(): Promise<Record<string, number>> {
  const found = Map.groupBy(await rowsLike('DELIVERY#'), ({ status }) => String(status));
  return Object.fromEntries([...found].map(([status, { length }]) => [status, length]));
}

/** Writes down retries that wait for an instant, as attempts that have failed now leave them. */
export async function putRetries(count: number, nextAttemptAt: number): Promise<void> {
  const { createdAt } = await existingEndpoint(world.deps, 'crm');
  const rows = Array.from({ length: count }, (_, index) => {
    const event = exampleEvent(`waiting-${index}`);
    return {
      ...deliveryKey({ event: event.id, endpoint: 'crm' }),
      endpointSince: createdAt,
      eventAt: event.timestamp,
      body: eventBody(event),
      status: 'PENDING',
      rev: 1,
      attempt: 1,
      nextAttemptAt,
      changedAt: now(),
      due: duePart('crm'),
      dueAt: nextAttemptAt,
    };
  });
  await putRows(world.dynamo, webhooksTable, rows);
}

/** Lets time pass, with a sweep each minute and whatever that has done. @returns what the sweeps did */
export async function pass(minutes: number): Promise<Sweep[]> {
  const swept: Sweep[] = [];
  for (let passed = 0; passed < minutes; passed += 1) {
    world.clock.advance(60 * second);
    swept.push(await world.sweep());
    await world.answerWakeUps();
  }
  return swept;
}

/** Answers each request after something else has happened, which the first one alone waits for. */
export function duringFirst(act: () => Promise<unknown>, status = 204): void {
  let isFirst = true;
  world.setAnswer(async () => {
    if (!isFirst) return { status: 204 };
    isFirst = false;
    await act();
    return { status };
  });
}

/** Has a process die in the middle of its requests. */
export async function die(deps: DeliverDependencies, ...wakeUps: readonly WakeUp[]): Promise<void> {
  const plan = new FaultPlan();
  world.setAnswer(() => {
    plan.kill();
    return { status: 204 };
  });
  await world.faults.run(plan, () => deliver(deps, wakeUps)).catch(() => undefined);
  world.setAnswer(() => ({ status: 204 }));
}

/** Answers requests when told to, and counts those that are under way. */
export function holdBack(release: (arrived: number, underWay: number) => boolean, status = 204) {
  const seen = { most: 0, underWay: 0 };
  const waiting: (() => void)[] = [];
  world.setAnswer(async () => {
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    const released = new Promise<void>((resolve) => waiting.push(resolve));
    // Whatever else is on its way comes in meanwhile.
    await world.deps.leases.read('crm');
    if (release(world.received.length, seen.underWay)) for (const resolve of waiting.splice(0)) resolve();
    await released;
    seen.underWay -= 1;
    return { status };
  });
  return seen;
}

/** Keeps requests under way until all are released, and counts those that are. */
export function holdRequests(isHeld: (request: Received) => boolean = () => true) {
  const seen = { most: 0, underWay: 0 };
  const released = Promise.withResolvers<void>();
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  world.setAnswer(async (request) => {
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    for (const { count, resolve } of waiting) if (seen.underWay >= count) resolve();
    // Whatever else is on its way comes in meanwhile.
    await (isHeld(request) ? released.promise : world.deps.leases.read('crm'));
    seen.underWay -= 1;
    return { status: 204 };
  });
  return {
    seen,
    /** Resolves once so many are under way. */
    underWay(count: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (seen.underWay >= count) resolve();
      else waiting.push({ count, resolve });
      return promise;
    },
    release: () => released.resolve(),
  };
}
