import { describe, expect, it } from 'vitest';
import type { Query } from '#infra/cli/api/client.ts';
import type { PageApi } from '#infra/console/html/page.ts';
import { hourlyEvents } from '#infra/console/pages/hourly-events.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { openConsole, textIn } from './console-world.ts';

const minuteMs = 60_000;
const now = Date.parse('2026-11-24T12:30:00.000Z');
const api = await startOperatorApi();

/** Answers with an event for each age in minutes, the newest first, a hundred a page. */
function apiWith(ages: readonly number[]) {
  const asked: Query[] = [];
  const get = async (_path: string, query: Query = {}) => {
    asked.push(query);
    const first = Number(query.cursor ?? 0);
    const items = ages
      .slice(first, first + 100)
      .map((age) => ({ timestamp: new Date(now - age * minuteMs).toISOString() }));
    return { items, next: first + 100 < ages.length ? String(first + 100) : undefined };
  };
  return { asked, api: { get } as unknown as PageApi };
}

describe('hourlyEvents', () => {
  it('counts the events of each hour, this one last', async () => {
    const { api: some, asked } = apiWith([0, 29, 31, 32, 100, 23 * 60]);
    const { hours, total, countedFrom } = await hourlyEvents(some, now);
    expect(hours).toHaveLength(24);
    expect(hours.at(-1)).toEqual({ from: '2026-11-24T12:00:00.000Z', events: 2 });
    expect(hours.slice(-3).map(({ events }) => events)).toEqual([1, 2, 2]);
    expect(hours[0]).toEqual({ from: '2026-11-23T13:00:00.000Z', events: 1 });
    expect([total, countedFrom]).toEqual([6, undefined]);
    expect(asked[0]).toMatchObject({ from: '2026-11-23T13:00:00.000Z' });
  });

  it('reads a thousand events at most, and says from when on it has counted', async () => {
    const { api: many, asked } = apiWith(Array.from({ length: 5000 }, (_, index) => index / 10));
    const { hours, total, countedFrom } = await hourlyEvents(many, now);
    expect([asked.length, total]).toEqual([10, 1000]);
    expect(countedFrom).toBe(new Date(now - 99.9 * minuteMs).toISOString());
    expect(hours.filter(({ events }) => events !== undefined).map(({ from }) => from)).toEqual([
      '2026-11-24T10:00:00.000Z',
      '2026-11-24T11:00:00.000Z',
      '2026-11-24T12:00:00.000Z',
    ]);
  });
});

describe('the chart of the overview', () => {
  const status = {
    ...{ version: '1', server: 'https://cryptshare.example.com', causes: [] },
    watches: { all: 1, failing: 0, disabled: 0 },
    polls: { lastAt: new Date(now).toISOString(), late: 0, incomplete: 0 },
    endpoints: { active: 0, paused: 0, disabled: 0, failing: 0 },
    deliveries: { waiting: { count: 1000, more: true }, held: { count: 0, more: false }, oldestOverdueMs: 0 },
  };
  const event = (id: number) => {
    return { id: `evt_${id}`, type: 'watch.failing', timestamp: new Date(now - id * minuteMs).toISOString(), data: {} };
  };

  it('says in words where it was cut off', async () => {
    api.on('GET /status', { body: status });
    api.on('GET /endpoints', { body: { items: [] } });
    api.on('GET /events', { body: { items: Array.from({ length: 100 }, (_, id) => event(id)), next: 'eyJ9' } });
    const console = await openConsole(api.url, { now: () => new Date(now) });
    const text = await console.read('/');
    const german = await console.read('/', 'de');
    await console.close();
    expect(text).toContain('More events than are counted here: 1,000 since 24 Nov 2026');
    expect(text).toContain('not counted');
    expect(text).toContain('Deliveries waiting 1,000 or more');
    expect(german).toContain('Mehr Ereignisse, als hier gezählt werden: 1.000 seit');
  });

  it('shows no page of half the facts when a part of them fails', async () => {
    api.on('GET /status', { body: status });
    api.on('GET /endpoints', problem(500, 'broken'));
    api.on('GET /events', { body: { items: [] } });
    const console = await openConsole(api.url);
    const { status: code, body } = await console.ask('/');
    await console.close();
    expect(code).toBe(502);
    expect(textIn(body)).not.toContain('The notifier works');
  });
});
