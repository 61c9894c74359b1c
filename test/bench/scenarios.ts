import type { Units } from '#functions/dynamodb/partition.ts';
import type { Approach } from './approach.ts';
import { measured } from './measurement.ts';
import type { Services } from './services.ts';
import { type Spread, scaled, spreadOf } from './spread.ts';

/** What happened in the mailbox before the poll that is measured. */
export interface Scenario {
  readonly name: string;
  /** Transfers whose state changes, of so many in the mailbox; undefined for the first poll of a mailbox. */
  readonly changes: ((transfers: number) => number) | undefined;
  /** Polls to measure, each on a fresh change, unless {@link patience} ends first. */
  readonly rounds: number;
}

export const baseline: Scenario = { name: 'baseline', changes: undefined, rounds: 1 };
export const unchanged: Scenario = { name: 'unchanged', changes: () => 0, rounds: 20 };
/** Often enough to meet small and large buckets. */
export const oneChange: Scenario = { name: '1 change', changes: () => 1, rounds: 20 };

/** In the order in which they are measured: each finds the mailbox as the one before has left it. */
export const scenarios: readonly Scenario[] = [
  baseline,
  unchanged,
  oneChange,
  { name: '1 %', changes: (transfers) => Math.ceil(transfers / 100), rounds: 3 },
  { name: '10 %', changes: (transfers) => Math.ceil(transfers / 10), rounds: 3 },
];

/** The smallest mailbox that has enough active transfers for all rounds. */
export const smallestMailbox = 100;

/** Milliseconds after which no further round of a scenario is begun. */
const patience = 3000;

/** What one poll costs. */
export interface PollCost {
  readonly approach: string;
  readonly transfers: number;
  readonly scenario: string;
  /** Polls measured, each on a fresh change. */
  readonly rounds: number;
  /** Requests to the Cryptshare Server. */
  readonly requests: Spread;
  readonly readUnits: Spread;
  readonly writeUnits: Spread;
  /** Milliseconds of CPU, user and system, of the polling process. */
  readonly cpu: Spread;
  /** Megabytes by which heap and array buffers grew at most; undefined if extrapolated, since garbage cannot be. */
  readonly heapGrowth: Spread | undefined;
  /** The size that was really measured, if the figures are extrapolated from a smaller one. */
  readonly extrapolatedFrom: number | undefined;
}

/**
 * Polls a fresh mailbox in each scenario.
 *
 * @param mailbox one that was never filled
 * @param chosen scenarios in their order, the baseline first
 * @throws Error when a poll does not find exactly what was changed: it would be worth nothing as a measurement
 */
export async function measureScenarios(
  services: Services,
  approach: Approach,
  mailbox: string,
  transfers: number,
  chosen: readonly Scenario[] = scenarios,
): Promise<PollCost[]> {
  const watch = await services.fill(mailbox, transfers);
  const costs: PollCost[] = [];
  for (const scenario of chosen) {
    const changes = scenario.changes?.(transfers) ?? 0;
    const polls: { requests: number; units: Units; cpu: number; heapGrowth: number }[] = [];
    const started = performance.now();
    do {
      if (changes > 0) await services.change(watch, changes);
      await services.countRequests();
      const { result, cpu, heapGrowth } = await measured(() => approach.poll(watch));
      if (result.changed !== changes) {
        throw new Error(`${approach.name} announced ${result.changed} of ${changes} changes among ${transfers}`);
      }
      polls.push({ requests: await services.countRequests(), units: result.units, cpu, heapGrowth });
    } while (polls.length < scenario.rounds && performance.now() - started < patience);
    costs.push({
      approach: approach.name,
      transfers,
      scenario: scenario.name,
      rounds: polls.length,
      requests: spreadOf(polls.map(({ requests }) => requests)),
      readUnits: spreadOf(polls.map(({ units }) => units.read)),
      writeUnits: spreadOf(polls.map(({ units }) => units.write)),
      cpu: spreadOf(polls.map(({ cpu }) => cpu)),
      heapGrowth: spreadOf(polls.map(({ heapGrowth }) => heapGrowth)),
      extrapolatedFrom: undefined,
    });
  }
  return costs;
}

/**
 * The costs of a larger mailbox, taken to grow with the number of transfers; the writes of an approach that writes
 * changes only grow with those.
 */
export function extrapolated(costs: readonly PollCost[], { writesFollow }: Approach, transfers: number): PollCost[] {
  return costs.map((cost, index) => {
    const growth = transfers / cost.transfers;
    const changes = scenarios[index]!.changes;
    const growthOfWrites = writesFollow === 'changes' && changes ? ratio(changes, transfers, cost.transfers) : growth;
    return {
      ...cost,
      transfers,
      requests: scaled(cost.requests, growth),
      readUnits: scaled(cost.readUnits, growth),
      writeUnits: scaled(cost.writeUnits, growthOfWrites),
      cpu: scaled(cost.cpu, growth),
      heapGrowth: undefined,
      extrapolatedFrom: cost.transfers,
    };
  });
}

const ratio = (changes: (transfers: number) => number, to: number, from: number): number =>
  changes(from) === 0 ? 1 : changes(to) / changes(from);
