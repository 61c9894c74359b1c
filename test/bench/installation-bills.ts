import type { PollDependencies } from '../../functions/transfers/poll.ts';
import { notifierName } from './approach-notifier.ts';
import { assumptions } from './bill-assumptions.ts';
import { measureLogs } from './log-bytes.ts';
import { type MonthlyBill, monthlyBill, type NetworkCost, networkCost } from './monthly-bill.ts';
import { type Deployed, type Installation, type MeasuredUse, type MonthlyUse, monthlyUse } from './monthly-use.ts';
import { type Region, regions, sources } from './prices.ts';
import { measureRegistry } from './registry-units.ts';
import { oneChange, type PollCost, unchanged } from './scenarios.ts';
import type { ServiceAddresses } from './services.ts';
import { measureWebhookUnits } from './webhook-units.ts';

const ordinary = { every: 1, pagesAtOnce: 4, pageLatency: 100, endpoints: 1 };

/** The installations that are reckoned: each transfer changes once a month, one endpoint wants every event. */
export const installations: readonly Installation[] = [
  { name: 'one watch', watches: 1, transfers: 1000, changes: 1000, emails: 1000, ...ordinary },
  { name: '100 watches', watches: 100, transfers: 10_000, changes: 10_000, emails: 10_000, ...ordinary },
  { name: '10,000 watches', watches: 10_000, transfers: 1000, changes: 1000, emails: 100_000, ...ordinary },
];

/** Everything that bills are reckoned from beside the polls. */
export interface BillInputs {
  readonly assumptions: typeof assumptions;
  readonly sharedUse: SharedUse;
  readonly deployed: Deployed;
  /** Days on which the price lists were published. */
  readonly sources: typeof sources;
}

/** An installation with what it uses and costs. */
export interface InstallationBill {
  readonly installation: Installation;
  readonly use: MonthlyUse;
  /** In every region whose prices are known. */
  readonly bills: readonly MonthlyBill[];
  readonly network: Readonly<Record<Region, NetworkCost>>;
}

/** What is the same for mailboxes of every size. */
export type SharedUse = Omit<MeasuredUse, 'quiet' | 'change'>;

/** Measures everything that does not depend on the size of a mailbox. */
export async function measureBillInputs(
  services: ServiceAddresses,
  { topics }: PollDependencies,
  deployed: Deployed,
): Promise<BillInputs> {
  const sharedUse = {
    registryReads: await measureRegistry(services),
    webhooks: await measureWebhookUnits(services, topics),
    logs: measureLogs(),
  };
  return { assumptions, sharedUse, deployed, sources };
}

/**
 * The bills of installations.
 *
 * @param polls as measured; installations with mailboxes of a size that is not among them are left out
 */
export function billsOf(
  chosen: readonly Installation[],
  polls: readonly PollCost[],
  { sharedUse, deployed }: BillInputs,
): InstallationBill[] {
  return chosen.flatMap((installation) => {
    const measured = useAt(installation.transfers, polls, sharedUse);
    if (!measured) return [];
    const use = monthlyUse(installation, measured, deployed);
    const known = Object.keys(regions) as Region[];
    return {
      installation,
      use,
      bills: known.map((region) => monthlyBill(use.quantities, region)),
      network: Object.fromEntries(known.map((region) => [region, networkCost(use, region)])) as Record<
        Region,
        NetworkCost
      >,
    };
  });
}

function useAt(transfers: number, polls: readonly PollCost[], shared: SharedUse): MeasuredUse | undefined {
  const costOf = (scenario: string) =>
    polls.find((cost) => cost.approach === notifierName && cost.transfers === transfers && cost.scenario === scenario);
  const quiet = costOf(unchanged.name);
  const change = costOf(oneChange.name);
  if (!quiet || !change) return undefined;
  return {
    ...shared,
    quiet: {
      read: quiet.readUnits.median,
      write: quiet.writeUnits.median,
      requests: quiet.requests.median,
      cpu: quiet.cpu.median,
    },
    change: { read: change.readUnits.median, write: change.writeUnits.median },
  };
}
