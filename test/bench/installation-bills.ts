import type { PollDependencies } from '#functions/poll/dependencies.ts';
import { assumptions } from './bill-assumptions.ts';
import { measureLogs } from './log-bytes.ts';
import { type MonthlyBill, monthlyBill, type NetworkCost, networkCost } from './monthly-bill.ts';
import { type MonthlyUse, monthlyUse } from './monthly-use.ts';
import { type Region, regions, sources } from './prices.ts';
import { measureRegistry } from './registry-units.ts';
import { measureRequestBytes } from './request-bytes.ts';
import type { Services } from './services.ts';
import { type MeasuredPolls, measurePolls } from './shard-units.ts';
import type { Deployed, Installation, MeasuredUse, StoredBytes } from './use.ts';
import { measureWebhookUnits } from './webhook-units.ts';

/**
 * What is ordinary: the shortest client id there is, changes at any hour and each by itself, one endpoint that wants every
 * event. All of these but the first are the dearest there are.
 */
export const ordinary = {
  activeShare: 0.05,
  every: 1,
  fullListingEvery: 1,
  pagesAtOnce: 16,
  pageLatency: 100,
  clientIdLength: 50,
  changingHours: 720,
  together: 1,
  endpoints: 1,
  chats: 0,
};

const hundred = { watches: 100, transfers: 10_000, changes: 10_000, emails: 10_000, ...ordinary };
const tenThousand = { watches: 10_000, transfers: 1000, changes: 1000, emails: 100_000, ...ordinary };

/** The installations that are reckoned: each transfer changes once a month. */
export const installations: readonly Installation[] = [
  { name: 'one watch', watches: 1, transfers: 1000, changes: 1000, emails: 1000, ...ordinary },
  { name: '100 watches', ...hundred },
  { name: '100 watches, full listings 1 of 10', ...hundred, fullListingEvery: 10 },
  { name: '10,000 watches', ...tenThousand },
  { name: '10,000 watches, full listings 1 of 10', ...tenThousand, fullListingEvery: 10 },
];

/** The last of them with one thing changed. */
export const variants: readonly Installation[] = [
  { name: '10,000 × 1,000, 1 min, 1 of 10', ...tenThousand, fullListingEvery: 10 },
  ...[500, 4000].map((clientIdLength) => ({
    name: `client id of ${clientIdLength} letters`,
    ...tenThousand,
    fullListingEvery: 10,
    clientIdLength,
  })),
  ...[
    ['quiet ones every 15 min; 1,000 changes each', 1000],
    ['quiet ones every 15 min; 100 changes each', 100],
    ['every minute all the same; 100 changes each', 100],
  ].map(([name, changes], index) => ({
    name: String(name),
    ...tenThousand,
    fullListingEvery: 10,
    changes: Number(changes),
    ...(index < 2 && { quietEvery: 15 }),
  })),
  { name: 'every 5 min', ...tenThousand, fullListingEvery: 10, every: 5 },
  { name: 'changes in bursts of 100', ...tenThousand, fullListingEvery: 10, together: 100 },
  { name: 'a chat beside the endpoint', ...tenThousand, fullListingEvery: 10, chats: 1 },
  { name: 'three endpoints', ...tenThousand, fullListingEvery: 10, endpoints: 3 },
  { name: 'four requests at once in a shard', ...tenThousand, fullListingEvery: 10, pagesAtOnce: 4 },
  { name: 'a page takes 300 ms', ...tenThousand, fullListingEvery: 10, pageLatency: 300 },
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
export type SharedUse = Omit<MeasuredUse, 'polls' | 'stored'> & { readonly stored: Omit<StoredBytes, 'transfer'> };

/** Measures everything that does not depend on the size of a mailbox. */
export async function measureBillInputs(
  { addresses }: Services,
  deps: PollDependencies,
  deployed: Deployed,
): Promise<BillInputs> {
  const { bytes: logs, metrics } = measureLogs();
  const { units: webhooks, stored } = await measureWebhookUnits(addresses, deps.topics);
  const registry = await measureRegistry(addresses, deps);
  const requestBytes = await measureRequestBytes();
  return { assumptions, sharedUse: { registry, webhooks, stored, logs, metrics, requestBytes }, deployed, sources };
}

/** Measures the polls of installations whose mailboxes have one of these sizes, by size. */
export async function measureSizes(
  services: Services,
  deps: PollDependencies,
  sizes: Iterable<number>,
  activeShare: number,
): Promise<Map<number, MeasuredPolls>> {
  const polls = new Map<number, MeasuredPolls>();
  for (const size of sizes) polls.set(size, await measurePolls(services, deps, size, activeShare));
  return polls;
}

/** The bills of installations; those with mailboxes of a size that was not measured are left out. */
export function billsOf(
  chosen: readonly Installation[],
  polls: ReadonlyMap<number, MeasuredPolls>,
  inputs: BillInputs,
): InstallationBill[] {
  return chosen.flatMap((installation) => {
    const measured = measuredUse(polls.get(installation.transfers), inputs);
    if (!measured) return [];
    const use = monthlyUse(installation, measured, inputs.deployed);
    const known = Object.keys(regions) as Region[];
    return {
      installation,
      use,
      bills: known.map((region) => monthlyBill(use.quantities, region)),
      network: Object.fromEntries(known.map((region) => [region, networkCost(installation, use, region)])) as Record<
        Region,
        NetworkCost
      >,
    };
  });
}

/** What was measured of mailboxes of a size. */
export function measuredUse(polls: MeasuredPolls | undefined, { sharedUse }: BillInputs): MeasuredUse | undefined {
  return polls && { ...sharedUse, polls, stored: { ...sharedUse.stored, transfer: polls.transferBytes } };
}
