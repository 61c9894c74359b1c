import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pollsOfTicks } from '#functions/poll/handle-invocation.ts';
import { settledChannel } from '#functions/webhooks/deliveries/settled.ts';
import { NotifierMetrics, tickJudge } from '#infra/local/monitoring/metrics.ts';
import { type ReadPath, StateGauges } from '#infra/local/monitoring/state-gauges.ts';

const counted = (count: number) => ({ count, more: false });
const status = {
  version: '0.1.0',
  server: 'https://cryptshare.example.com',
  watches: { all: 5, failing: 2, disabled: 1 },
  endpoints: { active: 2, paused: 1, disabled: 0, failing: 1 },
  deliveries: { waiting: counted(7), held: counted(3), oldestOverdueMs: 1500 },
};
const failing = { failingSince: '2026-11-27T00:00:00.000Z', cause: 'timeout' };
const pages: Record<string, object> = {
  '/status': status,
  '/endpoints?limit=100': { items: [{ name: 'crm', format: 'event', health: failing }], next: 'a&b' },
  '/endpoints?limit=100&cursor=a%26b': {
    items: [
      { name: 'archive', format: 'event', circuitBreaker: { state: 'open' } },
      { name: 'probed', format: 'event', circuitBreaker: { state: 'half-open' } },
      { name: 'alice', format: 'email' },
      { name: 'dave', format: 'email', health: failing },
    ],
  },
};

/** Gauges of a state that a test may change, with the paths that were read. */
function gauges() {
  const registry = new Registry();
  const world = { now: 0, read: [] as string[], isBroken: false };
  const read: ReadPath = async <T>(path: string) => {
    world.read.push(path);
    if (world.isBroken) throw new Error('no answer');
    return pages[path] as T;
  };
  const state = new StateGauges(registry, read, () => world.now);
  const values = async () => {
    await state.refresh();
    const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return lines.map((line) => line.replace('transfer_notifier_', ''));
  };
  return { world, values };
}

describe('StateGauges', () => {
  it('show watches, endpoints of all pages, and deliveries, with all readers by e-mail as one', async () => {
    expect(await gauges().values()).toEqual([
      'watches{state="enabled"} 4',
      'watches{state="failing"} 2',
      'watches{state="disabled"} 1',
      'endpoints{status="active"} 2',
      'endpoints{status="paused"} 1',
      'endpoints{status="disabled"} 0',
      'endpoint_failing{endpoint="crm"} 1',
      'endpoint_failing{endpoint="archive"} 0',
      'endpoint_failing{endpoint="probed"} 0',
      'endpoint_failing{endpoint="(readers)"} 1',
      'endpoint_circuit_breaker_open{endpoint="crm"} 0',
      'endpoint_circuit_breaker_open{endpoint="archive"} 1',
      'endpoint_circuit_breaker_open{endpoint="probed"} 0',
      'endpoint_circuit_breaker_open{endpoint="(readers)"} 0',
      'deliveries_waiting{state="pending"} 7',
      'deliveries_waiting{state="held"} 3',
      'oldest_overdue_seconds 1.5',
    ]);
  });

  it('read once in ten seconds, however often and at the same time they are wanted', async () => {
    const { world, values } = gauges();
    await Promise.all([values(), values()]);
    world.now = 9_999;
    await values();
    expect(world.read).toHaveLength(3);
    world.now = 10_000;
    await values();
    expect(world.read).toHaveLength(6);
  });

  it('are absent while the state cannot be read, instead of old', async () => {
    const { world, values } = gauges();
    expect(await values()).not.toEqual([]);
    world.now = 20_000;
    world.isBroken = true;
    expect(await values()).toEqual([]);
    world.now = 40_000;
    world.isBroken = false;
    expect(await values()).toContain('oldest_overdue_seconds 1.5');
  });
});

describe('tickJudge', () => {
  const complete = { isComplete: true };
  const failed = { isComplete: false };

  /** Judges polls of ticks that follow each other after a start, which finds the state stored. */
  async function judged(stored: object, ticks: readonly object[][]): Promise<boolean[]> {
    const isWell = tickJudge(async <T>() => ({ ...stored }) as T);
    const judgements: boolean[] = [];
    for (const polls of ticks) judgements.push(await isWell({ polls } as never));
    return judgements;
  }
  const lastAt = '2026-11-24T00:00:00.000Z';
  const watches = { all: 3, disabled: 1 };
  const listed = { watches, polls: { lastAt, incomplete: 1 } };

  it('takes a tick for good that has listed one watch, and one without a due watch for as good as the one before', async () => {
    const ticks = [[complete], [failed, complete], [], [failed, failed], [], [complete]];
    expect(await judged(listed, ticks)).toEqual([true, true, true, false, false, true]);
  });

  it.each([
    ['a watch was listed last', listed, true],
    ['no watch was listed last', { watches, polls: { lastAt, incomplete: 2 } }, false],
    ['no watch was ever listed', { watches, polls: { incomplete: 0 } }, false],
    ['none is watched', { watches: { all: 1, disabled: 1 }, polls: { incomplete: 0 } }, true],
    ['the state cannot be read', { watches: undefined }, false],
  ])(
    'takes the ticks after a start, before any poll, for good or not by what is stored: %s',
    async (_, stored, isGood) => {
      expect(await judged(stored, [[], []])).toEqual([isGood, isGood]);
    },
  );

  it.each([
    ['a watch is still not listed', listed, false],
    ['the last one that was not is removed or paused', { watches, polls: { lastAt, incomplete: 0 } }, true],
    ['none is watched any more', { watches: { all: 1, disabled: 1 }, polls: { lastAt, incomplete: 0 } }, true],
    ['the state cannot be read', { watches: undefined }, false],
  ])('judges the ticks after a bad one, until the next poll, by what is stored: %s', async (_, stored, isGood) => {
    expect(await judged(stored, [[failed], [], []])).toEqual([false, isGood, isGood]);
  });
});

/** Metrics in which every series has a value. */
async function metricsWithValues(): Promise<string> {
  const metrics = new NotifierMetrics('0.1.0', ['alice'], async <T>(path: string) => pages[path] as T);
  onTestFinished(() => metrics.close());
  const watch = { mailbox: 'carol@example.com', direction: 'sent' };
  const problem = { cause: 'timeout', message: 'the server hangs' };
  const poll = { watch, problem, outcome: 'failed', requests: 3, published: 2, isComplete: true, durationMs: 80 };
  pollsOfTicks.publish(poll);
  const attempt = { event: 'evt_1', status: 'DELIVERED', attempt: 1, durationMs: 40, outcome: 'delivered' };
  for (const endpoint of ['crm', 'alice']) settledChannel.publish({ ...attempt, endpoint });
  settledChannel.publish({ event: 'evt_1', endpoint: 'crm', status: 'CANCELLED', reason: 'operator' });
  // The file names neither of them any more: one is removed, the other disabled.
  metrics.endpoints([
    { name: 'frank', format: 'email' },
    { name: 'crm', format: 'event' },
  ]);
  settledChannel.publish({ event: 'evt_1', endpoint: 'frank', status: 'HELD', reason: 'disabled' });
  settledChannel.publish({ event: 'evt_1', endpoint: 'erin', status: 'CANCELLED', reason: 'endpoint_removed' });
  metrics.ticked(true);
  metrics.heartbeat(true);
  return metrics.text();
}

describe('NotifierMetrics', () => {
  it('count polls, attempts and other steps of deliveries, without mailbox and reader', async () => {
    const text = await metricsWithValues();
    for (const line of [
      'polls_total{outcome="failed"} 1',
      'poll_problems_total{cause="timeout"} 1',
      'server_requests_total 3',
      'events_published_total 2',
      'poll_duration_seconds_sum 0.08',
      'attempts_total{endpoint="crm",outcome="delivered"} 1',
      'attempts_total{endpoint="(readers)",outcome="delivered"} 1',
      'deliveries_total{endpoint="crm",status="CANCELLED"} 1',
      'deliveries_total{endpoint="(removed)",status="CANCELLED"} 1',
      'deliveries_total{endpoint="(readers)",status="HELD"} 1',
      'attempt_duration_seconds_count 2',
      'ticks_total{outcome="good"} 1',
      'heartbeats_total{outcome="taken"} 1',
      'build_info{version="0.1.0"} 1',
    ])
      expect(text).toContain(`\ntransfer_notifier_${line}\n`);
    for (const name of ['carol', 'alice', 'dave', 'erin', 'frank']) expect(text).not.toContain(name);
  });

  it('have names by the conventions of Prometheus: base units, and total for counters alone', async () => {
    const own = [...(await metricsWithValues()).matchAll(/^# TYPE (transfer_notifier_\S+) (\w+)$/gm)];
    expect(own.length).toBeGreaterThan(12);
    for (const [, name, type] of own) {
      expect(name).toMatch(/^[a-z_]+$/);
      expect(name!.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_(?:ms|milliseconds|minutes|count|sum|bucket)$/);
    }
  });

  it('are all explained in docs/operations.md, with their labels', async () => {
    const text = await metricsWithValues();
    const names = [...text.matchAll(/^# TYPE (transfer_notifier_\S+)/gm)].map(([, name]) => name!);
    const page = readFileSync('docs/operations.md', 'utf8');
    const rows = [...page.matchAll(/^\| `(transfer_notifier_\w+)` \|([^|]*)\|/gm)];
    expect(rows.map(([, name]) => name).toSorted()).toEqual(names.toSorted());
    for (const [, name, labels] of rows) {
      const series = text.split('\n').filter((line) => line.startsWith(`${name}{`));
      const used = new Set(series.flatMap((line) => line.match(/\w+(?==")/g) ?? []));
      expect(labels!.match(/\w+/g) ?? [], name).toEqual([...used]);
    }
  });

  it('have no time of a tick or listing before the first', async () => {
    const metrics = new NotifierMetrics('0.1.0', [], async () => Promise.reject());
    onTestFinished(() => metrics.close());
    expect(await metrics.text()).not.toMatch(/^transfer_notifier_last/m);
  });
});

describe('docs/grafana-dashboard.json', () => {
  const dashboard: { panels: { targets: { expr: string; legendFormat: string }[] }[] } = JSON.parse(
    readFileSync('docs/grafana-dashboard.json', 'utf8'),
  );
  const targets = dashboard.panels.flatMap((panel) => panel.targets);

  it('asks for metrics that exist, with labels that they have', async () => {
    const text = await metricsWithValues();
    expect(targets.length).toBeGreaterThan(10);
    for (const { expr, legendFormat } of targets) {
      const [metric = 'none'] = expr.match(/\b(?:transfer_notifier|process|nodejs)_\w+/) ?? [];
      const series = text.split('\n').filter((line) => new RegExp(`^${metric}[ {]`).test(line));
      expect(series, expr).not.toEqual([]);
      // Prometheus adds the label instance.
      const known = new Set(['instance', ...series.flatMap((line) => line.match(/\w+(?==")/g) ?? [])]);
      const matched = expr.match(/\w+(?==")/g) ?? [];
      const grouped = [...expr.matchAll(/ by \((\w+)\)/g)].map(([, label]) => label!);
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
      expect(
        [...matched, ...grouped, ...shown].filter((label) => !known.has(label)),
        expr,
      ).toEqual([]);
    }
  });
});
