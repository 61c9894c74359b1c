import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { type Happening, happeningSchema, historyOf } from '#infra/simulator/lives/history.ts';
import { watchesOf } from '#infra/simulator/lives/player.ts';
import { recordingOf } from '#infra/simulator/lives/recording.ts';
import { seededHistory } from '#infra/simulator/lives/seeded-history.ts';
import { dayMs } from '#infra/simulator/switches.ts';
import { startTwin } from '#infra/twin/twin.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const from = Date.parse('2026-01-05T07:00:00Z');

/** Happenings of the first days of a seed. */
function* firstDays(seed: number, days: number): Generator<Happening> {
  for (const happening of seededHistory(seed, from)) {
    if (Date.parse(happening.at) > from + days * dayMs) return;
    yield happening;
  }
}

async function eventsOf(history: readonly Happening[], seed: number, days: number): Promise<EventResource[]> {
  const twin = await startTwin({ seed, history, watches: watchesOf(history), from, until: from + days * dayMs });
  const events: EventResource[] = [];
  for await (const poll of twin.polls()) events.push(...poll.events);
  await twin.close();
  return events;
}

/** What happens by the events, without their ids and the ids of transfers. */
const toldBy = (events: readonly EventResource[]) =>
  events.map(({ type, timestamp, data: { trackingId: _, downloadedAt: __, ...data } }) => ({ type, timestamp, data }));

const inOneOrder = (told: readonly object[]) => told.map((one) => JSON.stringify(one)).toSorted();

it('a recording of events, replayed, tells the same events of other transfers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 1000 }), async (seed) => {
      const events = await eventsOf([...firstDays(seed, 1)], seed, 1);
      const recorded = historyOf(
        recordingOf(events)
          .map((one) => JSON.stringify(one))
          .join('\n'),
      );
      const replayed = await eventsOf(recorded, seed + 1, 1);
      expect(inOneOrder(toldBy(replayed))).toEqual(inOneOrder(toldBy(events)));
      const ids = new Set(events.map(({ data }) => data.trackingId));
      expect(replayed.filter(({ data }) => ids.has(data.trackingId))).toEqual([]);
    }),
    { numRuns: 2 },
  );
});

it('event record prints a history that names no person and no transfer', async () => {
  const api = await startOperatorApi();
  const data = {
    trackingId: '20260105-080000-SECRETID',
    mailbox: 'confidential@example.com',
    direction: 'sent',
    state: 'ACTIVE',
    previousState: 'PROCESSING',
    sequence: 2,
  };
  const event = (type: string, more: object = {}) => ({
    ...{ id: `evt_${type}`, type, timestamp: '2026-01-05T08:00:00.000Z' },
    data: { ...data, ...more },
  });
  const items = [
    event('watch.failing', { cause: 'timeout' }),
    event('transfer.downloaded', { recipient: 2, recipients: 3, downloadedBy: 1, method: 'viewed' }),
    event('transfer.active'),
  ];
  api.on('GET /events', () => ({ body: { items } }));
  const { code, stdout } = await run(['event', 'record', '--url', api.url]);
  const lines = stdout.trim().split('\n');
  expect({ code, is: lines.map((line) => happeningSchema.parse(JSON.parse(line)).is) }).toEqual({
    code: 0,
    is: ['sent', 'state', 'downloaded'],
  });
  expect(stdout).not.toMatch(/SECRETID|confidential/);
  expect(JSON.parse(lines[0]!)).toMatchObject({ recipients: 3, mailbox: 1 });
});

it('a recording takes events of one time in the order of their sequences', () => {
  const data = { trackingId: 'T1', mailbox: 'alice@example.com', direction: 'sent', recipients: 1, downloadedBy: 1 };
  const event = (type: string, state: string, sequence: number): EventResource => ({
    ...{ id: `evt_${sequence}`, type, timestamp: '2026-01-05T08:00:00.000Z' },
    data: { ...data, state, previousState: null, sequence },
  });
  const events = [
    event('transfer.processing', 'PROCESSING', 1),
    event('transfer.active', 'ACTIVE', 2),
    event('transfer.deleted_by_expiration', 'DELETED_BY_EXPIRATION', 3),
  ];
  const inOrder = recordingOf(events);
  expect(inOrder.map((one) => ('state' in one ? one.state : one.is))).toEqual([
    'sent',
    'ACTIVE',
    'DELETED_BY_EXPIRATION',
  ]);
  expect(recordingOf(events.toReversed())).toEqual(inOrder);
});

it('a recording of a clock that was set back can be replayed', () => {
  const data = { trackingId: 'T1', mailbox: 'alice@example.com', direction: 'sent' };
  const events: EventResource[] = [
    {
      id: 'evt_1',
      type: 'transfer.processing',
      timestamp: '2026-01-05T08:00:00Z',
      data: { ...data, state: 'PROCESSING' },
    },
    { id: 'evt_2', type: 'transfer.active', timestamp: '2026-01-05T07:59:00Z', data: { ...data, state: 'ACTIVE' } },
  ];
  const text = recordingOf(events).map((one) => JSON.stringify(one));
  expect(historyOf(text.join('\n')).map(({ is }) => is)).toEqual(['sent', 'state']);
});

it.each([
  [{ state: 7 }, 'state: Invalid input: expected string, received number'],
  [{ direction: 'sideways' }, 'direction: Invalid option'],
  [{ trackingId: undefined }, 'trackingId: Invalid input: expected string, received undefined'],
  [{ recipients: 'many' }, 'recipients: Invalid input: expected number, received string'],
  [{ expiresAt: 'soon' }, 'expiresAt: Invalid ISO datetime'],
])('a recording of an event with %j ends with its id, what was got and what was expected', (wrong, reason) => {
  const data = { trackingId: 'T1', mailbox: 'alice@example.com', direction: 'sent', state: 'ACTIVE', ...wrong };
  const event: EventResource = { id: 'evt_1', type: 'transfer.active', timestamp: '2026-01-05T08:00:00Z', data };
  expect(() => recordingOf([event])).toThrow(`the event evt_1 cannot be recorded: ${reason}`);
});
