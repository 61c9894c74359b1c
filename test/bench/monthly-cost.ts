import type { Units } from '#functions/dynamodb/partition.ts';
import { regions } from './prices.ts';
import { oneChange, type PollCost, unchanged } from './scenarios.ts';

/** What DynamoDB charges for a month of polls. */
export interface MonthlyCost extends Units {
  readonly approach: string;
  /** US dollars. */
  readonly dollars: number;
}

/** Size of the mailbox; each of its transfers changes once a month, no two between the same two polls. */
export const transfers = 1000;

/** A poll each minute for 30 days. */
export const polls = 30 * 24 * 60;

/** US dollars per million units, on demand, in us-east-1. */
export const price: Units = {
  read: regions['us-east-1'].prices.dynamoReads,
  write: regions['us-east-1'].prices.dynamoWrites,
};

/**
 * The bill for a mailbox of 1,000 transfers that is polled each minute, by the median poll.
 *
 * @returns nothing for approaches that were not measured at that size
 */
export function monthlyCosts(costs: readonly PollCost[]): MonthlyCost[] {
  const atSize = costs.filter((cost) => cost.transfers === transfers && cost.extrapolatedFrom === undefined);
  const quiet = atSize.filter((cost) => cost.scenario === unchanged.name);
  return quiet.flatMap((without) => {
    const { approach } = without;
    const change = atSize.find((cost) => cost.approach === approach && cost.scenario === oneChange.name);
    if (!change) return [];
    const sum = (units: 'readUnits' | 'writeUnits') =>
      (polls - transfers) * without[units].median + transfers * change[units].median;
    const [read, write] = [sum('readUnits'), sum('writeUnits')];
    return [{ approach, read, write, dollars: (read * price.read + write * price.write) / 1e6 }];
  });
}
