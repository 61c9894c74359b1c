import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import { eventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import {
  enableEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import type { Reader } from '#functions/webhooks/endpoints/reader.ts';
import type { WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { FaultPlan, type PlannedFault } from '#test/support/aws-faults.ts';
import { day, minute, range } from '#test/support/endpoint-world.ts';
import { expectTrueDigests } from '#test/support/explained.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';
import { expectToldOnce, mailReader } from './told-once.ts';

const histories = Number(process.env.DIGEST_HISTORIES ?? 12);
/** Milliseconds that a history may take on the slowest of machines: the number of histories is what bounds the search. */
const patience = 30_000;
const seed = Number(process.env.SEED ?? randomInt(2 ** 31));

const hour = 60 * minute;

/** Of all that is held. */
const ever = { ...range, until: '2999-01-01T00:00:00.000Z' };

/** Simulated time of a history: both changes of the clocks come in the three months after these days. */
const length = 90 * day;
/** Times at which an event comes in what is left of it. */
const parts = 2;
const starts = ['2027-02-20T00:00:00Z', '2027-09-20T00:00:00Z'];

const reader: fc.Arbitrary<Reader> = fc
  .record({
    language: fc.constantFrom('en' as const, 'de' as const),
    timeZone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
    when: fc.constantFrom('at once', 'hourly', 'daily at 07:30', 'daily at 02:30', 'weekly on sunday at 02:15'),
    urgent: fc.constantFrom([], ['transfer.failed']),
    quiet: fc.constantFrom<string[][]>([], ['22:00-07:00'], ['saturday', 'sunday'], ['01:00-03:00', 'monday']),
    evenIfEmpty: fc.boolean(),
  })
  .map((one) => ({ ...one, evenIfEmpty: one.evenIfEmpty && one.when !== 'at once' }));

const fault = fc.tuple(
  fc.nat(20),
  fc.constantFrom('refused', 'lost', 'crash before', 'crash after' as const),
) as fc.Arbitrary<PlannedFault>;
const faults = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: fc.array(fault, { minLength: 1, maxLength: 3 }) },
);

type Step =
  | { readonly kind: 'events'; readonly states: readonly string[]; readonly faults: readonly PlannedFault[] }
  /** The waiting wake-ups are handled, perhaps by two processes at once, which may die. */
  | {
      readonly kind: 'wake-ups';
      readonly faults: readonly PlannedFault[];
      readonly others: readonly PlannedFault[] | false;
    }
  | { readonly kind: 'sweep'; readonly faults: readonly PlannedFault[] }
  /** Time passes; or the clock is set, and no time passes. */
  | { readonly kind: 'time' | 'clock'; readonly milliseconds: number }
  | { readonly kind: 'pause' | 'resume' | 'remove' | 'mail fails' | 'mail works' }
  | { readonly kind: 'change'; readonly reader: Reader };

const states = fc.array(fc.constantFrom('FAILED', 'DELETED_BY_EXPIRATION', 'DELETED_BY_ADMIN'), {
  minLength: 1,
  maxLength: 5,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('events' as const), states, faults }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('wake-ups' as const),
      faults,
      others: fc.oneof(fc.constant(false as const), faults),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('sweep' as const), faults }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      milliseconds: fc.constantFrom(1000, 11_000, minute, hour, 7 * hour, day, 4 * day, 11 * day),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clock' as const), milliseconds: fc.constantFrom(hour, -hour, -day) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'pause' as const,
        'resume' as const,
        'remove' as const,
        'mail fails' as const,
        'mail works' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change' as const), reader }) },
);

/** What happens to one reader, and the rules that must hold in the end. */
class History {
  private readonly world: WebhookWorld;
  private readonly name: string;
  private reader: Reader;
  private readonly events: TransferEvent[] = [];
  /** Ids of events whose reader was removed after them. */
  private readonly orphans = new Set<string>();
  private waiting: WakeUp[] = [];
  private isFailing = false;

  constructor(world: WebhookWorld, number: number, first: Reader) {
    this.world = world;
    this.name = `reader-${number}`;
    this.reader = first;
    world.setMailAnswer(() => (this.isFailing ? { cause: 'unreachable' } : {}));
  }

  async run(start: string, steps: readonly Step[]): Promise<void> {
    const { clock } = this.world;
    while (clock.now().getTime() > Date.parse(start)) start = `${Number(start.slice(0, 4)) + 1}${start.slice(4)}`;
    clock.advance(Date.parse(start) - clock.now().getTime());
    await this.declare();
    for (const one of steps) await this.happen(one);
    const rest = Date.parse(start) + length - clock.now().getTime();
    for (let part = 0; part < parts; part += 1) {
      clock.advance(Math.max(0, rest / parts));
      await this.happen({ kind: 'events', states: ['FAILED', 'DELETED_BY_ADMIN'], faults: [] });
      await this.happen({ kind: 'sweep', faults: [] });
      await this.happen({ kind: 'wake-ups', faults: [], others: false });
    }
    await this.mend();
  }

  private async happen(one: Step): Promise<void> {
    const { world, name } = this;
    if (one.kind === 'events') await this.announce(one.states, one.faults);
    else if (one.kind === 'wake-ups') await this.handle(one);
    else if (one.kind === 'sweep') await this.failing(one.faults, () => world.sweep());
    else if (one.kind === 'time') world.clock.advance(one.milliseconds);
    else if (one.kind === 'clock') world.clock.set(one.milliseconds);
    else if (one.kind === 'change') {
      this.reader = one.reader;
      await this.declare();
    } else if (one.kind === 'pause') await pauseEndpoint(world.deps, name).catch(() => undefined);
    else if (one.kind === 'resume') {
      await resumeEndpoint(world.deps, name).catch(() => undefined);
      await recover(world.deps, name, ever).catch(() => undefined);
    } else if (one.kind === 'remove') {
      for (const { id } of this.events) this.orphans.add(id);
      await removeEndpoint(world.deps, name);
      world.clock.advance(1);
      await this.declare();
    } else this.isFailing = one.kind === 'mail fails';
  }

  private async announce(ended: readonly string[], planned: readonly PlannedFault[]): Promise<void> {
    const { world, name, events } = this;
    const fresh = ended.map((state, index) => {
      const event = exampleEvent(`${name}-${events.length + index}`, 1, state);
      return { ...event, timestamp: world.clock.now().toISOString() };
    });
    events.push(...fresh);
    const messages = fresh.map((event) => ({ body: eventBody(event) }));
    let isHandled = false;
    await this.failing(planned, async () => {
      isHandled = (await fanOut(world.deps, messages)).unhandled.length === 0;
    });
    // SQS brings a message again until it is handled.
    if (!isHandled) await fanOut(world.deps, messages);
  }

  private async handle({ faults: own, others }: Extract<Step, { kind: 'wake-ups' }>): Promise<void> {
    const { world } = this;
    this.waiting.push(...(await world.takeWakeUps()));
    const wakeUps = this.waiting.splice(0);
    const run = async (deps: DeliverDependencies, planned: readonly PlannedFault[]) => {
      let isHandled = false;
      await this.failing(planned, async () => {
        isHandled = (await deliver(deps, wakeUps)).unhandled.length === 0;
      });
      if (!isHandled) this.waiting.push(...wakeUps);
    };
    // The clocks of two machines differ.
    const now = () => new Date(world.clock.now().getTime() + 1);
    const other = { ...world.deps, leases: world.otherLeases(), now };
    await Promise.all([run(world.deps, own), ...(others === false ? [] : [run(other, others)])]);
    // The process after one that died knows no lease from before.
    Object.assign(world.deps, { leases: world.otherLeases() });
  }

  private async declare(): Promise<void> {
    await declareEndpoints(this.world.deps, [mailReader(this.name, this.reader, { retryDelaysMs: [minute, hour] })]);
  }

  private async failing(planned: readonly PlannedFault[], task: () => Promise<unknown>): Promise<void> {
    await this.world.faults.run(new FaultPlan(planned), task).catch(() => undefined);
  }

  /** Lets everything work again for a while, and recovers what was held. */
  private async mend(): Promise<void> {
    const { world, name } = this;
    this.isFailing = false;
    for (let round = 0; round < 20; round += 1) {
      const unfinished = await this.unfinished();
      if (unfinished.size === 0) return;
      if (unfinished.has('HELD')) {
        const status = (await world.deps.endpoints.find(name))?.status;
        if (status === 'paused') await resumeEndpoint(world.deps, name);
        if (status === 'disabled') await enableEndpoint(world.deps, name);
        await recover(world.deps, name, ever);
      }
      // Later than the next set time, at another hour of another weekday, so that it is not always quiet.
      world.clock.advance(8 * day + 5 * hour);
      await world.sweep();
      await world.deliver([...this.waiting.splice(0), ...(await world.takeWakeUps())]);
    }
  }

  /** Statuses of events and digests that are not final. */
  private async unfinished(): Promise<ReadonlySet<string>> {
    const { deliveries } = this.world.deps;
    const read = (ids: readonly string[]) => deliveries.read(ids.map((event) => ({ event, endpoint: this.name })));
    const told = await read(this.events.map(({ id }) => id));
    const digests = await read([...new Set(told.flatMap(({ digest = [] }) => digest))]);
    const statuses = [...told, ...digests].map(({ status }) => status);
    return new Set(statuses.filter((status) => status === 'PENDING' || status === 'HELD'));
  }

  async check(): Promise<void> {
    const { world, name } = this;
    // The schedule of retries may have ended while mails failed, and a reader may have been removed.
    const isLost = (id: string) => this.orphans.has(id);
    await expectToldOnce(world, name, this.events, isLost, ['FAILED', 'CANCELLED']);
    await expectTrueDigests(world, name, this.events, isLost);
    await removeEndpoint(world.deps, name);
    // Its rows concern no other history.
    await world.takeWakeUps();
    world.mails.length = 0;
  }
}

describe(`random histories of digests over three months (SEED=${seed})`, () => {
  let world: WebhookWorld;
  let number = 0;
  beforeAll(async () => {
    world = await startWebhookWorld();
    return () => world.close();
  });

  const title =
    'tell each event in exactly one digest, as its explanation says, whatever crashes, overlaps, is changed, or happens to the clocks (P29)';
  test(title, { timeout: histories * patience }, async () => {
    const life = fc.tuple(fc.constantFrom(...starts), reader, fc.array(step, { minLength: 6, maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(life, async ([start, first, steps]) => {
        number += 1;
        // Each history takes months, and no clock of a machine goes on for centuries.
        if (number % 100 === 0) {
          await world.close();
          world = await startWebhookWorld();
        }
        const history = new History(world, number, first);
        await history.run(start, steps);
        await history.check();
      }),
      { numRuns: histories, seed, endOnFailure: true },
    );
  });
});
