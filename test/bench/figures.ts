import type { Units } from '#functions/dynamodb/partition.ts';
import { notifierName } from './approach-notifier.ts';
import { type CrashRecovery, crashPatience } from './crash.ts';
import { deliveryCosts } from './delivery-costs.ts';
import type { InstallationBill } from './installation-bills.ts';
import type { NeighbourLatency } from './neighbours.ts';
import type { Figure, Report } from './results.ts';
import { oneChange, type Scenario, unchanged } from './scenarios.ts';
import { type Spread, scaled, spreadOf } from './spread.ts';
import type { EventUnits } from './use.ts';

/** The figures of the design beside what was measured. */
export function figures(measurements: Measurements): Figure[] {
  return [...pollFigures(measurements), ...webhookFigures(measurements), ...deploymentFigures(measurements)];
}

function pollFigures({ polls, comparisons, pageReading, warm }: Measurements): Figure[] {
  const costOf = (scenario: Scenario) =>
    polls.find(
      (cost) => cost.approach === notifierName && cost.transfers === 10_000 && cost.scenario === scenario.name,
    );
  const quiet = costOf(unchanged);
  const change = costOf(oneChange);
  const [page, webhook] = warm?.requests ?? [];
  return [
    count('unchanged poll of 10,000', 1, 'read units', quiet?.readUnits),
    count('unchanged poll of 10,000', 0, 'write units', quiet?.writeUnits),
    count('1 change among 10,000', 4, 'read units', change?.readUnits),
    count('1 change among 10,000', 6, 'write units', change?.writeUnits),
    ...comparisons.flatMap(({ changes, ratio, heapGrowth }) => [
      time(`compare 100,000, ${changes} changed: CPU`, 1, '× JSON.parse', ratio),
      count(`compare 100,000, ${changes} changed: heap`, 100, 'MB', once(heapGrowth)),
    ]),
    time(
      '100 pages at 50 ms, 4 at a time',
      1.3,
      '× ideal',
      pageReading && scaled(pageReading.wall, 1 / pageReading.ideal),
    ),
    time('warm unchanged poll of 1,000: CPU', 6.5, 'ms', warm?.poll.cpu),
    time('page of a listing: CPU', 1.2, '× bare request', page?.ratio),
    time('webhook, vetted, signed, judged: CPU', 1.5, '× bare request', webhook?.ratio),
  ];
}

function webhookFigures({ bursts, contestants, neighbours, crashes, units }: Measurements): Figure[] {
  const [own, rival] = contestants;
  const alone = units && aloneUnits(units.alone);
  const [inBurst] = units?.bursts ?? [];
  const isComplete = crashes.every(({ completeAfter }) => completeAfter !== undefined);
  return [
    time('burst of 300, default endpoint', 2000, 'ms', bursts[0]?.wall),
    rate('topic to finished row, defaults', 250, 'a second', own?.rate.median),
    ...(rival ? [rate('the same', 1.2, `× ${rival.name}`, 1 / rival.ratio.median)] : []),
    time('publication → first attempt: p50', 15, 'ms', own && once(own.latency.p50)),
    time('publication → first attempt: p99', 40, 'ms', own && once(own.latency.p99)),
    time('p99 beside bad endpoints', 1.1, '× beside healthy ones', neighbours && once(slowdown(neighbours))),
    count(
      'webhooks missing 90 s after a SIGKILL',
      0,
      'of 300',
      crashes.length > 0 ? spreadOf(crashes.map(lost)) : undefined,
    ),
    {
      ...count(
        'complete after a SIGKILL and a start',
        45,
        's',
        crashes.length > 0 ? spreadOf(crashes.map(seconds)) : undefined,
      ),
      ...(!isComplete && { isReached: false }),
    },
    count('a delivery alone', 4.5, 'write units', alone && once(alone.write)),
    count('a delivery alone', 3, 'read units', alone && once(alone.read)),
    count('a delivery in a burst of 300', 4, 'write units', inBurst && once(inBurst.units.write)),
    count('a delivery in a burst of 300', 2.5, 'read units', inBurst && once(inBurst.units.read)),
  ];
}

function deploymentFigures({ bundles, bills, deliveries }: Measurements): Figure[] {
  const month = (watches: number, every: number) => {
    const isMeant = ({ installation: one }: InstallationBill) =>
      one.watches === watches && one.fullListingEvery === every;
    return bills.find(isMeant)?.bills.find(({ region }) => region === 'us-east-1')?.beforeAlarms;
  };
  const one = month(1, 1);
  return [
    ...(bundles?.bundles ?? []).flatMap(({ name, size, load }) => [
      count(`bundle of ${name}`, 400, 'KB', once(size)),
      time(`loading ${name}`, 100, 'ms', load.wall),
    ]),
    count('a month of 1 watch of 1,000', 1, 'USD', dollars(one?.net)),
    count('the same if nothing were free', 3, 'USD', dollars(one?.gross)),
    count('10,000 of 1,000, full listings 1 of 10', 400, 'USD', dollars(month(10_000, 10)?.net)),
    count('the same, all listings full', 700, 'USD', dollars(month(10_000, 1)?.net)),
    count('a million deliveries, nothing free', 9, 'USD', dollars(deliveries && dollarsOfMillion(deliveries))),
  ];
}

/** US dollars for a million deliveries that come alone. */
function dollarsOfMillion({ measured, deployed }: NonNullable<Report['deliveries']>): number {
  const alone = { together: 1, endpoints: 1, chats: 0 };
  const use = { ...measured, stored: { ...measured.stored, transfer: 0 } };
  return [...deliveryCosts(alone, use, deployed, 'us-east-1').values()].reduce((sum, cost) => sum + cost, 0);
}

/** What the figures are taken from. */
type Measurements = Omit<
  Report,
  'startedAt' | 'duration' | 'machine' | 'cores' | 'node' | 'loads' | 'failures' | 'figures'
>;

/** Units of one event with one delivery, each function by itself with one message. */
export function aloneUnits({ event, creation, delivery }: EventUnits): Units {
  const sum = (kind: keyof Units) => event[kind] + creation[kind] + delivery[kind];
  return { read: sum('read'), write: sum('write') };
}

/** What had not arrived when it was given up. */
const lost = ({ events, arrived }: CrashRecovery): number => events - arrived;

const seconds = ({ completeAfter = crashPatience }: CrashRecovery): number => completeAfter / 1000;

const dollars = (value: number | undefined): Spread | undefined => (value === undefined ? undefined : once(value));

const count = (what: string, limit: number, unit: string, measured: Spread | undefined): Figure => ({
  what,
  limit,
  unit,
  measured,
  isReached: measured && measured.greatest <= limit,
});

const time = (what: string, limit: number, unit: string, measured: Spread | undefined): Figure => ({
  what,
  limit,
  unit,
  measured,
  isReached: measured && measured.median <= limit,
});

/** How much longer the slowest take beside bad endpoints than beside healthy ones. */
const slowdown = ({ besideBad, besideHealthy }: NeighbourLatency): number => besideBad.p99 / besideHealthy.p99;

const rate = (what: string, limit: number, unit: string, measured: number | undefined): Figure => ({
  what,
  limit,
  isLeast: true,
  unit,
  measured: measured === undefined ? undefined : once(measured),
  isReached: measured === undefined ? undefined : measured >= limit,
});

const once = (value: number): Spread => ({ least: value, median: value, greatest: value });
