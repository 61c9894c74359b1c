import { expect, test } from 'vitest';
import type { BurstTime } from './burst.ts';
import type { Percentiles } from './percentiles.ts';
import { reportText } from './report.ts';
import type { Report } from './results.ts';
import { scenarios } from './scenarios.ts';
import { spreadOf } from './spread.ts';
import type { ContestantSpeed } from './throughput.ts';

/** Numbers as long as they get on a busy machine. */
const large = spreadOf([38_000.5, 39_000, 41_000.5]);
const ratio = spreadOf([0.55, 10.25, 13.5]);
const slow: Percentiles = { count: 1200, p50: 1045.5, p99: 11_694.5 };

const poll = {
  approach: 'Query, rewrite all',
  rounds: 20,
  requests: spreadOf([1001]),
  readUnits: spreadOf([1155, 1169]),
  writeUnits: spreadOf([100_000]),
  cpu: spreadOf([138_176]),
  heapGrowth: large,
};
const contestant: ContestantSpeed = {
  name: 'Postel, PostgreSQL',
  events: 1000,
  rounds: 3,
  rate: spreadOf([119, 252, 1281]),
  ratio,
  senderCpu: ratio,
  storeCpu: ratio,
  latency: slow,
};
const burst: BurstTime = {
  events: 300,
  answersAfter: 100,
  rounds: 5,
  wall: large,
  mostUnderWay: 10,
  serviceCalls: ratio,
};

const report: Report = {
  startedAt: '2026-11-26T04:00:00.000Z',
  duration: 1800,
  machine: 'AMD EPYC, linux x64',
  cores: 2,
  node: '24.21.0',
  loads: {},
  failures: {},
  polls: scenarios.map(({ name }) => ({ ...poll, transfers: 100_000, scenario: name, extrapolatedFrom: undefined })),
  ways: [
    {
      name: 'Transfer Notifier',
      limit: 'memory: some 250,000',
      loses: 'nothing: an event and its change are one write',
    },
  ],
  comparisons: [],
  pageReading: undefined,
  hourlyLoad: [],
  warm: {
    poll: { transfers: 1000, polls: 30, rounds: 10, cpu: ratio },
    requests: [{ what: 'webhook, vetted, signed, judged', requests: 500, rounds: 10, own: ratio, bare: ratio, ratio }],
  },
  bursts: [burst],
  contestants: [contestant, contestant],
  neighbours: { rounds: 5, besideHealthy: slow, besideBad: slow },
  crashes: [{ events: 300, killedAt: 270, arrived: 299, completeAfter: undefined, repetitions: 10 }],
  bundles: undefined,
  months: [{ approach: 'Query, rewrite all', read: 43_200_000, write: 43_200_000, dollars: 27.11 }],
  units: undefined,
  bills: [],
  deliveries: undefined,
  figures: [
    {
      what: 'complete after a SIGKILL and a start',
      limit: 1000,
      unit: '× Postel, PostgreSQL',
      measured: large,
      isReached: false,
    },
  ],
};

test('prints nothing wider than 100 columns', () => {
  const lines = reportText(report).split('\n');
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
});

test('says how busy the machine was, and on how many cores', () => {
  expect(reportText({ ...report, loads: { burst: 1.62 } })).toContain('(load average 1.6, 2 cores)');
});

test('leaves out what was not measured, and says why it could not be', () => {
  const text = reportText({ ...report, crashes: [], failures: { crash: 'the baseline: not within 120 s' } });
  expect(text).not.toContain('killed at webhook');
  expect(text).toContain('crash NOT MEASURED: the baseline: not within 120 s');
});
