import type { Units } from '#functions/dynamodb/partition.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { items, priceIn } from '#test/bench/bill/prices.ts';
import { measure } from '#test/bench/measurement.ts';
import type { Services } from '#test/bench/processes/services.ts';
import { count, type Section } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number, range, table } from '#test/bench/table.ts';
import { notifier, oneItem, putChanged, type Way } from './ways.ts';

const unchanged = 'unchanged';
const oneChange = '1 change';

/**
 * The changes before a poll, by the number of transfers, in the order of measurement. Each finds the mailbox as the one
 * before has left it. Rounds are polls to measure, each on a fresh change, unless {@link patienceMs} ends first.
 */
const scenarios = [
  { name: 'baseline', changes: () => 0, rounds: 1 },
  { name: unchanged, changes: () => 0, rounds: 20 },
  // Often enough to meet small and large buckets.
  { name: oneChange, changes: () => 1, rounds: 20 },
  { name: '1 %', changes: (transfers: number) => Math.ceil(transfers / 100), rounds: 3 },
  { name: '10 %', changes: (transfers: number) => Math.ceil(transfers / 10), rounds: 3 },
];

type Scenario = (typeof scenarios)[number];

/** The smallest mailbox that has enough active transfers for all rounds. */
export const smallestMailbox = 100;

/** Milliseconds after which no further round of a scenario is begun. */
const patienceMs = 3000;

type PollCost = Awaited<ReturnType<typeof measureScenario>>;

/** Polls mailboxes of each size in each way. */
export const polls: Section = {
  name: 'polls',
  what: 'polling in all ways; mailboxes of 100,000 transfers take some minutes',
  async measure({ services, deps, server, sizes, progress }) {
    const ways = [notifier(deps), putChanged(deps, server), oneItem(deps, server)];
    for (const [index, way] of ways.entries())
      await measureScenarios(services, way, smallestMailbox, `warm-up.${index}`);
    const costs: PollCost[] = [];
    for (const [index, way] of ways.entries()) {
      for (const size of sizes.filter((transfers) => transfers <= way.largest)) {
        progress(`${way.name}: polling ${number.format(size)} transfers`);
        costs.push(...(await measureScenarios(services, way, size, `alice.${index}`)));
      }
    }
    const costOf = (scenario: string) =>
      costs.find((cost) => cost.way === ways[0]!.name && cost.transfers === 10_000 && cost.scenario === scenario);
    const [quiet, change] = [costOf(unchanged), costOf(oneChange)];
    const months = monthsOf(costs);
    return {
      measured: { costs, months },
      tables: [
        { id: 'polls', title: 'What a poll costs (CPU: median; heap: greatest)', text: pollTable(costs, sizes) },
        ...(months.length > 0 ? [{ id: 'month', title: monthTitle, text: monthTable(months) }] : []),
      ],
      figures:
        quiet && change
          ? [
              count('unchanged poll of 10,000', 1, 'read units', quiet.readUnits),
              count('unchanged poll of 10,000', 0, 'write units', quiet.writeUnits),
              count('1 change among 10,000', 4, 'read units', change.readUnits),
              count('1 change among 10,000', 6, 'write units', change.writeUnits),
            ]
          : [],
    };
  },
};

/** Polls a fresh mailbox in each scenario. */
async function measureScenarios(services: Services, way: Way, transfers: number, name: string): Promise<PollCost[]> {
  const watch = await services.call('fill', `${name}.${transfers}@example.com`, transfers);
  const costs: PollCost[] = [];
  for (const scenario of scenarios) costs.push(await measureScenario(services, way, watch, transfers, scenario));
  return costs;
}

/** @throws Error when a poll does not find exactly the changes: its cost would mean nothing */
async function measureScenario(services: Services, way: Way, watch: Watch, transfers: number, scenario: Scenario) {
  const changes = scenario.changes(transfers);
  const measured: { requests: number; units: Units; cpuMs: number; heapGrowth: number }[] = [];
  const started = performance.now();
  do {
    if (changes > 0) await services.call('change', watch, changes);
    await services.call('countRequests');
    const { result, cpuMs, heapGrowth } = await measure(() => way.poll(watch));
    if (result.changed !== changes) {
      throw new Error(`${way.name} announced ${result.changed} of ${changes} changes among ${transfers}`);
    }
    measured.push({ requests: await services.call('countRequests'), units: result.units, cpuMs, heapGrowth });
  } while (measured.length < scenario.rounds && performance.now() - started < patienceMs);
  return {
    way: way.name,
    transfers,
    scenario: scenario.name,
    rounds: measured.length,
    /** To the Cryptshare Server. */
    requests: spreadOf(measured.map(({ requests }) => requests)),
    readUnits: spreadOf(measured.map(({ units }) => units.read)),
    writeUnits: spreadOf(measured.map(({ units }) => units.write)),
    cpuMs: spreadOf(measured.map(({ cpuMs }) => cpuMs)),
    /** Megabytes. */
    heapGrowth: spreadOf(measured.map(({ heapGrowth }) => heapGrowth)),
  };
}

/** Polls by size and scenario, one row for each way. */
function pollTable(costs: readonly PollCost[], sizes: readonly number[]): string {
  const blocks = sizes.flatMap((size) =>
    scenarios.map(({ name }) => costs.filter((cost) => cost.transfers === size && cost.scenario === name)),
  );
  return table(
    ['transfers', 'poll', 'approach', 'rounds', 'requests', 'reads', 'writes', 'CPU ms', 'heap MB'],
    blocks.flatMap((block) =>
      block.map((cost, index) => [
        // The size and the scenario stand in the first row of their block, which tells blocks apart.
        index === 0 && cost.scenario === scenarios[0]!.name ? number.format(cost.transfers) : '',
        index === 0 ? cost.scenario : '',
        cost.way,
        String(cost.rounds),
        range(cost.requests),
        range(cost.readUnits),
        range(cost.writeUnits),
        number.format(cost.cpuMs.median),
        number.format(cost.heapGrowth.greatest),
      ]),
    ),
    3,
  );
}

/** The mailbox of the month; each of its transfers changes once, no two between the same two polls. */
const monthlyTransfers = 1000;

/** A poll each minute for 30 days. */
const monthlyPolls = 30 * 24 * 60;

const monthTitle = `A month: ${number.format(monthlyTransfers)} transfers polled ${number.format(monthlyPolls)} times, each transfer changing once`;

/** US dollars per million units, on demand, in us-east-1. */
const readPrice = priceIn('us-east-1', items.dynamoReads.price);
const writePrice = priceIn('us-east-1', items.dynamoWrites.price);

/** The units of a month by the median poll, for ways that were measured at that size. */
function monthsOf(costs: readonly PollCost[]) {
  const ofSize = costs.filter(({ transfers }) => transfers === monthlyTransfers);
  return [...Map.groupBy(ofSize, ({ way }) => way)].map(([way, own]) => {
    const medianOf = (scenario: string, units: 'readUnits' | 'writeUnits') =>
      own.find((cost) => cost.scenario === scenario)![units].median;
    const sum = (units: 'readUnits' | 'writeUnits') =>
      (monthlyPolls - monthlyTransfers) * medianOf(unchanged, units) + monthlyTransfers * medianOf(oneChange, units);
    const [read, write] = [sum('readUnits'), sum('writeUnits')];
    return { way, read, write, dollars: (read * readPrice + write * writePrice) / 1e6 };
  });
}

const monthTable = (months: ReturnType<typeof monthsOf>): string =>
  [
    table(
      ['approach', 'read units', 'write units', 'USD'],
      months.map(({ way, read, write, dollars }) => [
        way,
        number.format(read),
        number.format(write),
        dollars.toFixed(3),
      ]),
    ),
    `Per million: write units ${writePrice} USD, read units ${readPrice} USD`,
  ].join('\n\n');
