import { putRows } from '#functions/dynamodb/batch.ts';
import { eventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { type Delivery, deliveryKey, duePart } from '#functions/webhooks/deliveries/delivery.ts';
import { cancelDelivery, type ReplayOptions, recover, replay, resend } from '#functions/webhooks/deliveries/replay.ts';
import { secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import * as life from '#functions/webhooks/endpoints/lifecycle.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import type { WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import type { Sweep } from '#functions/webhooks/engine/sweep.ts';
import { FaultPlan } from './aws-faults.ts';
import { exampleEvents, type Received, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export const events = exampleEvents('transfer', 40);
export const [first, other, third] = events as [TransferEvent, TransferEvent, TransferEvent];

/** The instant of all example events, as the range of a replay. */
export const range = { from: '2026-11-24T00:00:00.000Z', until: '2026-11-24T00:00:00.001Z', dryRun: false };

type Identified = Pick<TransferEvent, 'id'>;

/** The world of the test that runs, and the endpoint that most tests need: `crm`. */
export let world: EndpointWorld;
export let crm: ReturnType<typeof crmOf>;

/** Gives a test a world of its own, without any endpoint. */
export async function startEndpointWorld(): Promise<() => Promise<void>> {
  const started = await startWebhookWorld();
  crm = crmOf(started);
  world = { ...started, ...actionsOf(started) };
  return () => world.close();
}

/** The endpoint `crm`, with everything that operators do to it. */
const crmOf = ({ deps, urlOf }: WebhookWorld) => ({
  /** A wake-up for events; without any, for the retries that are due. */
  wakeUp: (...some: readonly Identified[]): WakeUp => ({ endpoint: 'crm', events: some.map(({ id }) => id) }),
  add: (settings: Partial<EndpointSettingsInput> = {}, signing = {}) =>
    life.addEndpoint(deps, 'crm', { url: urlOf('crm'), ...settings }, signing),
  read: () => life.existingEndpoint(deps, 'crm'),
  secrets: async () => secretsOf(deps.dataKey, await life.existingEndpoint(deps, 'crm')).secrets,
  update: (settings: Partial<EndpointSettingsInput>) => life.updateEndpoint(deps, 'crm', settings),
  pause: () => life.pauseEndpoint(deps, 'crm'),
  resume: () => life.resumeEndpoint(deps, 'crm'),
  disable: () => life.disableEndpoint(deps, 'crm', 'maintenance'),
  enable: () => life.enableEndpoint(deps, 'crm'),
  rotate: (overlapMs?: number, secret?: string) => life.rotateSecret(deps, 'crm', overlapMs, secret),
  remove: () => life.removeEndpoint(deps, 'crm'),
  /** As another process does, which waits for none of this one's writes. */
  cancel: ({ id }: Identified) =>
    cancelDelivery({ ...deps, leases: world.otherLeases() }, { event: id, endpoint: 'crm' }),
  resend: ({ id }: Identified) => resend(deps, { event: id, endpoint: 'crm' }),
  recover: (options: Partial<ReplayOptions> = {}) => recover(deps, 'crm', { ...range, ...options }),
  replay: (options: Partial<ReplayOptions> = {}) => replay(deps, 'crm', { ...range, ...options }),
});

/** A world whose tests watch processes deliver. */
export type EndpointWorld = WebhookWorld & ReturnType<typeof actionsOf>;

function actionsOf(world: WebhookWorld) {
  const { clock, deps, received } = world;
  const now = (): number => clock.now().getTime();
  /** Ids of the events that the receiver got, in the order of their requests. */
  const ids = (): string[] => received.map(({ headers }) => String(headers['webhook-id']));
  /** Rows whose sort keys begin alike. */
  const rowsLike = async (begin: string) => (await world.dump()).filter(({ sk }) => sk.startsWith(begin));
  return {
    now,
    ids,
    rowsLike,

    idsOf: (some: readonly Identified[]): string[] => some.map(({ id }) => id).toSorted(),

    /** Counts the requests for an event. */
    timesOf: ({ id }: Identified): number => ids().filter((one) => one === id).length,

    deliveryOf: async ({ id }: Identified): Promise<Delivery> => (await world.trace(id)).deliveries[0]!,

    /** Tasks that processes have left to the one that holds the endpoint. */
    tasks: () => rowsLike('TASK#'),

    /** Counts the deliveries of each status. */
    async statuses(): Promise<Record<string, number>> {
      const found = Map.groupBy(await rowsLike('DELIVERY#'), ({ status }) => String(status));
      return Object.fromEntries([...found].map(([status, { length }]) => [status, length]));
    },

    /** Announces events, and takes their wake-ups away. */
    async prepare(...some: readonly TransferEvent[]): Promise<void> {
      await world.fanOut(...some);
      await world.takeWakeUps();
    },

    /** The dependencies of another process, which knows no lease yet. */
    another: (): DeliverDependencies => ({ ...deps, leases: world.otherLeases() }),

    /** Writes down retries of `crm` that wait for an instant, as attempts that have failed now leave them. */
    async putRetries(count: number, nextAttemptAt: number): Promise<void> {
      const { createdAt } = await crm.read();
      const rows = exampleEvents('waiting', count).map((event) => ({
        ...deliveryKey({ event: event.id, endpoint: 'crm' }),
        ...{ endpointSince: createdAt, eventAt: event.timestamp, body: eventBody(event) },
        ...{ status: 'PENDING', rev: 1, attempt: 1, nextAttemptAt, changedAt: now() },
        ...{ due: duePart('crm'), dueAt: nextAttemptAt },
      }));
      await putRows(world.dynamo, webhooksTable, rows);
    },

    /** Lets time pass, with a sweep and its wake-ups each minute. @returns what the sweeps did */
    async pass(minutes: number): Promise<Sweep[]> {
      const swept: Sweep[] = [];
      for (let passed = 0; passed < minutes; passed += 1) {
        clock.advance(minute);
        swept.push(await world.sweep());
        await world.answerWakeUps();
      }
      return swept;
    },

    /** Answers the request with this number, 1 by default, after something else has happened; the others at once. */
    during(act: () => Promise<unknown>, { status = 204, request = 1 } = {}): void {
      let requests = 0;
      world.setAnswer(async () => {
        requests += 1;
        if (requests !== request) return { status: 204 };
        await act();
        return { status };
      });
    },

    /** Lets a process die in the middle of its requests. */
    async die(process: DeliverDependencies, ...wakeUps: readonly WakeUp[]): Promise<void> {
      const plan = new FaultPlan();
      world.setAnswer(() => {
        plan.kill();
        return { status: 204 };
      });
      await world.faults.run(plan, () => deliver(process, wakeUps)).catch(() => undefined);
      world.setAnswer(() => ({ status: 204 }));
    },

    /** Answers requests once `release` says so, and counts those in flight. */
    holdBack(release: (arrived: number, inFlight: number) => boolean, status = 204) {
      const seen = { most: 0, inFlight: 0 };
      const waiting: (() => void)[] = [];
      world.setAnswer(async () => {
        seen.inFlight += 1;
        seen.most = Math.max(seen.most, seen.inFlight);
        const released = new Promise<void>((resolve) => waiting.push(resolve));
        // A read of the table lets all other requests that are on their way arrive first.
        await deps.leases.read('crm');
        if (release(received.length, seen.inFlight)) for (const resolve of waiting.splice(0)) resolve();
        await released;
        seen.inFlight -= 1;
        return { status };
      });
      return seen;
    },

    /** Keeps requests in flight until all are released, and counts those that are. */
    holdRequests(isHeld: (request: Received) => boolean = () => true) {
      const seen = { most: 0, inFlight: 0 };
      const released = Promise.withResolvers<void>();
      const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
      world.setAnswer(async (request) => {
        seen.inFlight += 1;
        seen.most = Math.max(seen.most, seen.inFlight);
        for (const { count, resolve } of waiting) if (seen.inFlight >= count) resolve();
        // A read of the table lets all other requests that are on their way arrive first.
        await (isHeld(request) ? released.promise : deps.leases.read('crm'));
        seen.inFlight -= 1;
        return { status: 204 };
      });
      return {
        seen,
        /** Resolves once this number of requests is in flight. */
        inFlight(count: number): Promise<void> {
          const { promise, resolve } = Promise.withResolvers<void>();
          if (seen.inFlight >= count) resolve();
          else waiting.push({ count, resolve });
          return promise;
        },
        release: () => released.resolve(),
      };
    },
  };
}
