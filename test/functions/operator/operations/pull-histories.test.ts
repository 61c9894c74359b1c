import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { type Storing, startPullWorld } from './pull-world.ts';

const dayMs = 86_400_000;

const histories = Number(process.env.PULL_HISTORIES ?? 12);
/** Milliseconds that a history may take on the slowest of machines. */
const patience = 30_000;

let world: Awaited<ReturnType<typeof startPullWorld>>;
beforeAll(async () => {
  world = await startPullWorld();
  return () => world.close();
});

/** Milliseconds after its storing by which a pull has given an event: two minutes, the tolerance for clocks, and skew. */
const lateMs = 120_000 + 5000 + 10_000;

const skew = fc.integer({ min: -4000, max: 4000 });
const lag = fc.integer({ min: 0, max: 30_000 });
const storing: fc.Arbitrary<Storing> = fc.record(
  {
    age: fc.oneof(
      fc.integer({ min: -20_000, max: 100_000 }),
      fc.integer({ min: 50_000, max: 70_000 }),
      fc.integer({ min: 60_000, max: 300_000 }),
      fc.integer({ min: -600_000, max: 5 * dayMs }),
    ),
    mailbox: fc.constantFrom('alice@example.com', 'bob@example.com'),
    wanting: fc.constantFrom([], [0], [1], [0, 1]),
    crash: fc.constantFrom(1, 2),
    stall: fc.integer({ min: 0, max: 6000 }),
    lags: fc.tuple(lag, lag),
    skew,
  },
  { requiredKeys: ['age', 'mailbox', 'wanting', 'stall', 'lags', 'skew'] },
);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('store' as const), storing }) },
  // The queue brings a message again, after a crash or just so, while other endpoints want it.
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(), storing }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 70_000 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pull' as const),
      limit: fc.constantFrom(1, 2, 5, 100),
      isLost: fc.boolean(),
      skew,
      replica: fc.constantFrom(0, 1),
    }),
  },
);

const filters = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { mailbox: 'alice@example.com' },
  { type: 'transfer.failed', direction: 'sent', mailbox: 'bob@example.com' },
  { type: 'watch.*' },
);

/** How a reader catches up in the end; one that is behind does nothing until then. */
const readers = fc.record({ limit: fc.constantFrom(2, 100), isBehind: fc.boolean() });

it(
  'gives each wanted event once and in time, however storing, the index and the reader are interrupted',
  async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 60 }),
        filters,
        readers,
        async (steps, filter, reader) => {
          runs += 1;
          world.clock.advance(dayMs);
          const events: TransferEvent[] = [];
          /** Instants at which events were stored completely. */
          const stored = new Map<string, number>();
          const given: string[] = [];
          // Earlier than any place of these events.
          let query: Record<string, string> = { after: new Date(world.clock.now().getTime() - 300_000).toISOString() };
          const isWanted = ({ data, type }: TransferEvent) =>
            (filter.mailbox ?? data.mailbox) === data.mailbox && (filter.type ?? type) === type;

          const store = async (event: TransferEvent, one: Storing) => {
            if ((await world.store(event, one)) && !stored.has(event.id)) stored.set(event.id, world.clock.steady());
          };
          const pull = async (limit: number, skewMs = 0, replica = 0, isLost = false) => {
            const { items, next } = await world.pull({ ...query, ...filter, limit: String(limit) }, skewMs, replica);
            expect(next.length).toBeLessThanOrEqual(4000);
            if (isLost) return items.length;
            query = { cursor: next };
            given.push(...items.map(({ id }) => id!));
            return items.length;
          };
          const drain = async () => {
            // An answer without events may come before the end, where many are passed over.
            for (let empty = 0; empty < 2; ) empty = (await pull(reader.limit)) === 0 ? empty + 1 : 0;
            const due = events.filter((one) => isWanted(one) && stored.get(one.id)! <= world.clock.steady() - lateMs);
            expect(given).toEqual(expect.arrayContaining(due.map(({ id }) => id)));
          };

          for (const one of steps) {
            if (one.kind === 'wait') world.clock.advance(one.ms);
            if (one.kind === 'pull' && !reader.isBehind) await pull(one.limit, one.skew, one.replica, one.isLost);
            if (one.kind === 'store') {
              const event = world.eventOfAge(`T${runs}-${events.length}`, one.storing);
              events.push(event);
              await store(event, one.storing);
            }
            const again = one.kind === 'again' ? events[one.which % events.length] : undefined;
            if (one.kind === 'again' && again) await store(again, one.storing);
          }
          // The queue brings each message until it is stored.
          for (const event of events) {
            if (stored.has(event.id)) continue;
            await store(event, { age: 0, mailbox: '', wanting: [1], stall: 0, lags: [30_000, 0], skew: 0 });
            await drain();
          }
          for (let minutes = 0; minutes < 14; minutes += 1) {
            world.clock.advance(60_000);
            await drain();
          }
          expect(given.toSorted()).toEqual(
            events
              .filter(isWanted)
              .map(({ id }) => id)
              .toSorted(),
          );
        },
      ),
      { numRuns: histories },
    );
  },
  histories * patience,
);
