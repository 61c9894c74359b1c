import { describe, expect, it } from 'vitest';
import { knownStates } from '#functions/transfers/transfer.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { historyOf } from '#infra/simulator/lives/history.ts';
import { watchesOf } from '#infra/simulator/lives/player.ts';
import { seededHistory } from '#infra/simulator/lives/seeded-history.ts';
import { dayMs } from '#infra/simulator/switches.ts';
import { startTwin, type Twin } from '#infra/twin/twin.ts';
import { assertValidEvent } from '#test/docs/event-schemas.ts';

const from = Date.parse('2026-01-05T07:00:00Z');
/** Days of which a twin tells everything. */
const days = Number(process.env.TWIN_DAYS ?? 3);
const alice = { mailbox: 'alice@example.com', direction: 'sent' } as const;

/** Events of the first days of a seed, and what `look` finds out about the twin at their end. */
async function eventsOf(seed: number, days: number, look: (twin: Twin, events: EventResource[]) => void = () => {}) {
  const until = from + days * dayMs;
  const watches = [alice, { ...alice, direction: 'received' } as const];
  const twin = await startTwin({ seed, history: seededHistory(seed, from), watches, from, until });
  const events: EventResource[] = [];
  try {
    for await (const poll of twin.polls()) events.push(...poll.events);
    look(twin, events);
  } finally {
    await twin.close();
  }
  return events;
}

describe('a twin', () => {
  it('announces the same events for the same seed, byte by byte, and others for another seed', async () => {
    const [first, again, other] = [await eventsOf(7, 1), await eventsOf(7, 1), await eventsOf(8, 0.2)];
    expect(first.length).toBeGreaterThan(5);
    expect(JSON.stringify(again)).toBe(JSON.stringify(first));
    expect(new Set(other.map(({ id }) => id)).intersection(new Set(first.map(({ id }) => id)))).toEqual(new Set());
  });

  it('announces what its server says in the end: every state, with sequences without a gap, as documented', async () => {
    const events = await eventsOf(4, days, (twin, told) => {
      const lastOf = new Map(told.map(({ data }) => [data.trackingId as string, data.state]));
      // The server deletes transfers some time after their ends.
      const known = [...lastOf].flatMap(([id, state]) => {
        const real = twin.server.transfers.find(id)?.state;
        return real === undefined ? [] : [{ id, state, real }];
      });
      expect(known.filter(({ state, real }) => state !== real)).toEqual([]);
      expect(known.length).toBeGreaterThan(20);
    });
    for (const event of events) assertValidEvent(event);
    const byTransfer = Map.groupBy(events, ({ data }) => data.trackingId);
    for (const [id, { length }] of byTransfer) {
      const sequences = byTransfer.get(id)!.map(({ data }) => data.sequence);
      expect(sequences, String(id)).toEqual(Array.from({ length }, (_, index) => index + 1));
    }
    expect(new Set(events.map(({ type }) => type)).size).toBeGreaterThan(7);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });

  it('replays a recorded history in its own time', async () => {
    const history = historyOf(`
      {"at":"2026-03-02T09:00:00Z","transfer":1,"is":"sent","mailbox":2,"recipients":2}
      {"at":"2026-03-02T09:00:30Z","transfer":1,"is":"state","state":"ACTIVE"}
      {"at":"2026-03-02T12:00:00Z","transfer":1,"is":"downloaded","recipient":2,"method":"VIEWED"}
      {"at":"2026-03-02T12:30:00Z","transfer":3,"is":"sent","mailbox":2}
      {"at":"2026-03-02T12:30:00Z","transfer":4,"is":"sent","mailbox":2}
      {"at":"2026-03-02T13:00:00Z","transfer":2,"is":"sent","direction":"received"}
      {"at":"2026-03-03T12:00:00Z","transfer":1,"is":"state","state":"Quarantined"}
      {"at":"2026-03-04T12:00:00Z","transfer":1,"is":"unlisted"}
      {"at":"2026-03-05T12:00:00Z","transfer":1,"is":"listed"}`);
    const start = Date.parse(history[0]!.at) - 60_000;
    const watches = watchesOf(history);
    const twin = await startTwin({ seed: 1, history, watches, from: start, until: start + 5 * dayMs });
    const events: EventResource[] = [];
    for await (const poll of twin.polls()) events.push(...poll.events);
    await twin.close();
    const told = events.map(({ type, timestamp, data }) => [timestamp.slice(0, 16), type, data.mailbox, data.state]);
    expect(told).toEqual([
      ['2026-03-02T09:00', 'transfer.processing', 'bob@example.com', 'PROCESSING'],
      ['2026-03-02T09:01', 'transfer.active', 'bob@example.com', 'ACTIVE'],
      ['2026-03-02T12:00', 'transfer.downloaded', 'bob@example.com', 'ACTIVE'],
      ['2026-03-02T12:30', 'transfer.processing', 'bob@example.com', 'PROCESSING'],
      ['2026-03-02T12:30', 'transfer.processing', 'bob@example.com', 'PROCESSING'],
      ['2026-03-02T13:00', 'transfer.processing', 'alice@example.com', 'PROCESSING'],
      ['2026-03-03T12:00', 'transfer.state_changed', 'bob@example.com', 'Quarantined'],
      ['2026-03-04T12:02', 'transfer.unlisted', 'bob@example.com', 'Quarantined'],
      ['2026-03-05T12:01', 'transfer.listed_again', 'bob@example.com', 'Quarantined'],
    ]);
  });
});

describe('a twin that lives long', () => {
  it('forgets a transfer that was not listed for a month, as the database of a notifier does', async () => {
    const history = historyOf(`
      {"at":"2026-03-02T09:00:00Z","transfer":1,"is":"sent"}
      {"at":"2026-03-02T09:30:00Z","transfer":2,"is":"sent"}
      {"at":"2026-03-02T10:00:00Z","transfer":1,"is":"unlisted"}
      {"at":"2026-04-03T09:00:00Z","transfer":1,"is":"listed"}`);
    const [start, end] = [Date.parse(history[0]!.at) - 60_000, Date.parse(history.at(-1)!.at) + 3_600_000];
    const twin = await startTwin({ seed: 1, history, watches: watchesOf(history), from: start, until: end });
    const types: string[] = [];
    for await (const poll of twin.polls()) types.push(...poll.events.map(({ type }) => type));
    await twin.close();
    const first = 'transfer.processing';
    expect(types).toEqual([first, first, 'transfer.unlisted', first]);
  });
});

describe('a seeded history', () => {
  it('tells happenings in the order of time, and has every documented state within a year', () => {
    const states = new Set<string>(['PROCESSING']);
    let last = 0;
    for (const happening of seededHistory(11, from)) {
      const at = Date.parse(happening.at);
      expect(at).toBeGreaterThanOrEqual(last);
      last = at;
      if (happening.is === 'state') states.add(happening.state);
      if (at > from + 365 * dayMs) break;
    }
    expect([...states].toSorted()).toEqual([...knownStates].toSorted());
  });
});

const sentAt = { at: '2026-03-02T09:00:00Z', is: 'sent' };

describe('the text of a history', () => {
  it.each([
    ['', 'it is empty'],
    ['{"at":', 'line 1: expected JSON'],
    ['{"at":"2026-03-02T09:00:00Z","transfer":1,"is":"state","state":"ACTIVE"}', 'no line "is": "sent" before it'],
    [
      '{"at":"2026-03-02T09:00:00Z","transfer":1,"is":"sent"}\n{"at":"2026-03-02T08:00:00Z","transfer":1,"is":"listed"}',
      'line 2: transfer 1 has no line "is": "sent" before it',
    ],
    [
      '{"at":"2026-03-02T09:00:00Z","transfer":1,"is":"sent"}\n{"at":"2026-03-02T09:01:00Z","transfer":1,"is":"sent"}',
      'line 2: transfer 1 was sent before',
    ],
    ['{"at":"yesterday","transfer":1,"is":"sent"}', 'line 1: at: '],
    ['\n{"at":"2026-03-02T09:00:00Z","transfer":1,"is":"sent","mail":"eve@example.com"}', 'line 2: '],
  ])('%j is refused with its line and what was expected', (text, reason) => {
    expect(() => historyOf(text)).toThrow(reason);
  });

  it('is refused for more recipients than memory holds', () => {
    const line = (transfer: number) => JSON.stringify({ ...sentAt, transfer, recipients: 1000 });
    const text = Array.from({ length: 1001 }, (_, index) => line(index + 1)).join('\n');
    expect(() => historyOf(text)).toThrow('expected at most 1000000 recipients in all');
  });
});
