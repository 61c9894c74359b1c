import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import type { Leases } from '#functions/webhooks/endpoints/leases.ts';
import {
  addEndpoint,
  enableEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  rotateSecret,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import type { WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { FaultPlan, type PlannedFault } from '#test/support/aws-faults.ts';
import { day, minute, range } from '#test/support/endpoint-world.ts';
import { expectTrueVerdicts } from '#test/support/explained.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

const histories = Number(process.env.WEBHOOK_HISTORIES ?? 4);
/** Milliseconds that a history may take on the slowest of machines: the number of histories is what bounds the search. */
const patience = 60_000;
const seed = Number(process.env.SEED ?? randomInt(2 ** 31));

const endpoints = ['a', 'b'] as const;
type Name = (typeof endpoints)[number];

/** An act of an operator, or a step of the clock. */
type Change =
  | { readonly kind: 'time'; readonly milliseconds: number }
  /** The clock is set forward, or back; no time passes. */
  | { readonly kind: 'clock'; readonly milliseconds: number }
  | { readonly kind: 'life'; readonly endpoint: Name; readonly act: 'pause' | 'resume' | 'rotate' | 'remove' };

type Happening =
  | Change
  | {
      readonly kind: 'event';
      readonly count: number;
      readonly repeats: number;
      readonly faults: readonly PlannedFault[];
    }
  /**
   * Some of the waiting wake-ups are handled, out of order, some twice, perhaps by two processes at once. One of these
   * may die and the other go on. Unhandled wake-ups are brought again. During one of the requests, something else may
   * happen.
   */
  | {
      readonly kind: 'wake-ups';
      readonly take: readonly number[];
      readonly others: readonly number[] | 'the same';
      readonly faults: readonly PlannedFault[];
      readonly theirFaults: readonly PlannedFault[];
      readonly during: { readonly request: number; readonly change: Change } | undefined;
    }
  | { readonly kind: 'sweep'; readonly faults: readonly PlannedFault[] }
  | { readonly kind: 'answers'; readonly endpoint: Name; readonly status: number; readonly retryAfter: boolean };

const fault = fc.tuple(
  fc.nat(30),
  fc.constantFrom('refused', 'lost', 'crash before', 'crash after' as const),
) as fc.Arbitrary<PlannedFault>;
const faults = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 2, arbitrary: fc.array(fault, { minLength: 1, maxLength: 3 }) },
);
const endpoint = fc.constantFrom(...endpoints);

const time: fc.Arbitrary<Change> = fc.record({
  kind: fc.constant('time' as const),
  milliseconds: fc.constantFrom(1, 1000, 5000, 25_000, minute, 130_000, 60 * minute, day),
});
const clock: fc.Arbitrary<Change> = fc.record({
  kind: fc.constant('clock' as const),
  milliseconds: fc.constantFrom(minute, -minute, 60 * minute, -60 * minute, day, -day),
});
const life: fc.Arbitrary<Change> = fc.record({
  kind: fc.constant('life' as const),
  endpoint,
  act: fc.constantFrom('pause' as const, 'resume' as const, 'rotate' as const, 'remove' as const),
});

function weighted<T>(weight: number, model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.WeightedArbitrary<T> {
  return { weight, arbitrary: fc.record(model) as fc.Arbitrary<T> };
}
const places = (maxLength: number) => fc.array(fc.nat(20), { minLength: 1, maxLength });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  weighted(4, {
    kind: fc.constant('event' as const),
    count: fc.constantFrom(1, 1, 1, 2, 7),
    repeats: fc.integer({ min: 1, max: 2 }),
    faults,
  }),
  weighted(6, {
    kind: fc.constant('wake-ups' as const),
    take: fc.oneof(places(2), places(10)),
    others: fc.oneof(fc.constant([]), fc.constant('the same' as const), places(5)),
    faults,
    theirFaults: faults,
    during: fc.oneof(
      fc.constant(undefined),
      fc.record({ request: fc.integer({ min: 1, max: 4 }), change: fc.oneof(time, clock, life) }),
    ),
  }),
  weighted(2, { kind: fc.constant('sweep' as const), faults }),
  { weight: 3, arbitrary: time },
  { weight: 1, arbitrary: clock },
  weighted(2, {
    kind: fc.constant('answers' as const),
    endpoint,
    status: fc.constantFrom(204, 204, 301, 400, 410, 429, 500, 503),
    retryAfter: fc.boolean(),
  }),
  { weight: 1, arbitrary: life },
);

/** Everything that happens to events in one world, and the rules that must hold in the end. */
class History {
  private readonly world: WebhookWorld;
  private readonly events = new Map<string, string>();
  private readonly answers = new Map<string, { status: number; retryAfter: boolean }>();
  private waiting: WakeUp[] = [];
  /** Answers to a delivery, by event and endpoint. */
  private readonly answered = new Map<string, number[]>();
  /** Events and endpoints of which the endpoint was removed, or was paused, since the event. */
  private readonly changed = { remove: new Set<string>(), pause: new Set<string>() };
  /** Endpoints that were disabled, by a receiver that is gone or by failures. */
  private readonly disabled = new Set<string>();
  /** Times that something went wrong while it was being delivered: so often it may be taken again after a success. */
  private readonly troubled = new Map<string, number>();
  /** A change during one of the next requests. */
  private during: { readonly request: number; readonly change: Change } | undefined;
  private requests = 0;

  constructor(world: WebhookWorld) {
    this.world = world;
    world.setAnswer(async ({ path, headers }) => {
      this.requests += 1;
      if (this.requests === this.during?.request) await this.change(this.during.change);
      const { status, retryAfter } = this.answers.get(path.slice(1)) ?? { status: 204, retryAfter: false };
      const key = `${headers['webhook-id']} ${path}`;
      this.answered.set(key, [...(this.answered.get(key) ?? []), status]);
      if (status === 410) this.disabled.add(path.slice(1));
      return { status, headers: retryAfter ? { 'retry-after': '90' } : {} };
    });
  }

  async run(happenings: readonly Happening[]): Promise<void> {
    for (const name of endpoints) await this.ensure(name);
    for (const one of happenings) {
      await this.happen(one);
      for (const { name, status } of await this.world.deps.endpoints.list())
        if (status === 'disabled') this.disabled.add(name);
    }
    await this.checkExplanations();
    await this.mend();
  }

  private async happen(one: Happening): Promise<void> {
    const { world } = this;
    if (one.kind === 'event') {
      const events = Array.from({ length: one.count }, () => {
        const event = exampleEvent(`transfer-${this.events.size}`);
        this.events.set(event.id, eventBody(event));
        return event;
      });
      for (const { name, status } of await world.deps.endpoints.list())
        if (status === 'paused') this.note(name, 'pause');
      const messages = events.map((event) => ({ body: eventBody(event) }));
      for (let time = 1; time < one.repeats; time += 1)
        await this.failing(one.faults, () => fanOut(world.deps, messages));
      // SQS brings a message again until it is handled.
      let isHandled = false;
      await this.failing(one.faults, async () => {
        isHandled = (await fanOut(world.deps, messages)).unhandled.length === 0;
      });
      if (!isHandled) await fanOut(world.deps, messages);
    } else if (one.kind === 'wake-ups') await this.handle(one);
    else if (one.kind === 'sweep') await this.failing(one.faults, () => world.sweep());
    else if (one.kind === 'answers') this.answers.set(one.endpoint, one);
    else await this.change(one);
  }

  private async change(change: Change): Promise<void> {
    const { clock } = this.world;
    if (change.kind === 'time') clock.advance(change.milliseconds);
    else if (change.kind === 'clock') clock.set(change.milliseconds);
    else await this.live(change.endpoint, change.act);
  }

  /** Messages that a function does not handle stay in the queue. */
  private async handle(one: Extract<Happening, { kind: 'wake-ups' }>): Promise<void> {
    const { world } = this;
    const { take, others, faults, theirFaults, during } = one;
    this.waiting.push(...(await world.takeWakeUps()));
    const chosen = (places: readonly number[]) =>
      places.flatMap((at) => this.waiting[at % Math.max(1, this.waiting.length)] ?? []);
    const own = chosen(take);
    const theirs = others === 'the same' ? own : chosen(others);
    // A lease may be over for the one while the other still works under it.
    const isTimely = during === undefined || during.change.kind === 'life';
    if (faults.length + theirFaults.length > 0 || !isTimely) {
      for (const { endpoint } of [...own, ...theirs]) this.problem(endpoint);
    }
    const handled = new Set<WakeUp>();
    const run = (wakeUps: readonly WakeUp[], leases: Leases, planned: readonly PlannedFault[]) =>
      this.failing(planned, async () => {
        const { unhandled } = await deliver({ ...world.deps, leases }, wakeUps);
        const isFailed = (name: string) => unhandled.some(({ endpoint, isKept }) => endpoint === name && !isKept);
        for (const each of wakeUps) if (!isFailed(each.endpoint)) handled.add(each);
      });
    [this.requests, this.during] = [0, during];
    await Promise.all([
      run(own, world.deps.leases, faults),
      ...(theirs.length > 0 ? [run(theirs, world.otherLeases(), theirFaults)] : []),
    ]);
    this.during = undefined;
    // The process after one that died knows no lease from before.
    if (faults.some(([, kind]) => kind.startsWith('crash'))) Object.assign(world.deps, { leases: world.otherLeases() });
    this.waiting = this.waiting.filter((each) => !handled.has(each));
  }

  /** Something went wrong with an endpoint: each of its deliveries may be taken once more after a success. */
  private problem(endpoint: string): void {
    for (const id of this.events.keys()) {
      const key = `${id} /${endpoint}`;
      this.troubled.set(key, (this.troubled.get(key) ?? 0) + 1);
    }
  }

  private async live(name: Name, act: 'pause' | 'resume' | 'rotate' | 'remove'): Promise<void> {
    const { deps } = this.world;
    if (act === 'remove' || act === 'pause') this.note(name, act);
    if (act === 'remove') {
      await removeEndpoint(deps, name);
      this.world.clock.advance(1);
      await this.ensure(name);
    } else {
      const acts = { pause: pauseEndpoint, resume: resumeEndpoint, rotate: rotateSecret };
      await acts[act](deps, name).catch(() => undefined);
    }
  }

  private note(name: string, act: 'remove' | 'pause'): void {
    for (const id of this.events.keys()) this.changed[act].add(`${id} /${name}`);
  }

  private async ensure(name: Name): Promise<void> {
    const maxInFlight = name === 'a' ? 2 : 10;
    const settings = { url: this.world.urlOf(name), maxInFlight, retryDelaysMs: [5000, 60_000, 3_600_000] };
    await addEndpoint(this.world.deps, name, settings).catch(() => undefined);
  }

  private async failing(planned: readonly PlannedFault[], task: () => Promise<unknown>): Promise<void> {
    await this.world.faults.run(new FaultPlan(planned), task).catch(() => undefined);
  }

  /** Lets everything work again, and recovers what was held. */
  private async mend(): Promise<void> {
    const { world } = this;
    this.answers.clear();
    for (const { name, status } of await world.deps.endpoints.list()) {
      if (status === 'paused') await resumeEndpoint(world.deps, name);
      if (status === 'disabled') await enableEndpoint(world.deps, name);
    }
    await world.deliver(this.waiting);
    await world.settleAll();
    for (const name of endpoints) await recover(world.deps, name, range);
    await world.settleAll();
  }

  private async checkExplanations(): Promise<void> {
    const keyed =
      <T>(find: (key: string) => T) =>
      (event: string, endpoint: string) =>
        find(`${event} /${endpoint}`);
    await expectTrueVerdicts(this.world, {
      events: new Map([...this.events].map(([id, body]) => [id, JSON.parse(body).data])),
      answers: keyed((key) => this.answered.get(key) ?? []),
      isTroubled: keyed((key) => this.troubled.has(key)),
      wasRemoved: keyed((key) => this.changed.remove.has(key)),
      wasPaused: keyed((key) => this.changed.pause.has(key)),
      wasDisabled: (endpoint) => this.disabled.has(endpoint),
    });
  }

  async check(): Promise<void> {
    const { world } = this;
    await this.checkExplanations();
    for (const [id, body] of this.events) {
      const { deliveries } = await world.trace(id);
      expect(deliveries.map(({ endpoint }) => endpoint)).toEqual([...endpoints]);
      for (const { endpoint, status } of deliveries) {
        expect(['DELIVERED', 'FAILED', 'CANCELLED']).toContain(status);
        const key = `${id} /${endpoint}`;
        const successes = (this.answered.get(key) ?? []).filter((answer) => answer === 204).length;
        if (status === 'DELIVERED') expect(successes).toBeGreaterThanOrEqual(1);
        expect(successes).toBeLessThanOrEqual(1 + (this.troubled.get(key) ?? 0));
      }
      for (const request of world.received) {
        if (request.headers['webhook-id'] === id) expect(request.body).toBe(body);
      }
    }
    const left = (await world.dump()).filter(({ sk }) => sk.startsWith('TASK#'));
    expect(left).toEqual([]);
    const known = new Set(this.events.keys());
    for (const { headers } of world.received) expect(known).toContain(headers['webhook-id']);
  }
}

describe(`random histories of deliveries (SEED=${seed})`, () => {
  const title =
    'lose no event, make up none, repeat none after a success but where something went wrong, and are explained as they were (P13, P14)';
  test(title, { timeout: histories * patience }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 30 }), async (happenings) => {
        const world = await startWebhookWorld();
        try {
          const history = new History(world);
          await history.run(happenings);
          await history.check();
        } finally {
          await world.close();
        }
      }),
      { numRuns: histories, seed, endOnFailure: true },
    );
  });
});
