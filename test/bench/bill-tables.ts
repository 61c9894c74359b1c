import type { Units } from '#functions/dynamodb/partition.ts';
import { assumed, assumptions } from './bill-assumptions.ts';
import type { BundleCosts } from './bundles.ts';
import { deliveryCosts } from './delivery-costs.ts';
import type { BillInputs, InstallationBill, SharedUse } from './installation-bills.ts';
import { mostWatches } from './largest-size.ts';
import type { BillLine } from './monthly-bill.ts';
import { alwaysFree, type Region, regions } from './prices.ts';
import { number, spread, table } from './tables.ts';
import type { Deployed, Installation, MeasuredUse, PollUse } from './use.ts';

const money = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const amount = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** Units that polls and webhooks read and write. */
export function unitTable({ sharedUse: { webhooks, registry } }: BillInputs): string {
  const { alone, burst, notice, sweep } = webhooks;
  const rows: readonly (readonly [string, Units])[] = [
    ['tick: for 1,000 watches of its shard', { read: 1000 * registry.own, write: 0 }],
    ['tick: for 1,000 watches of other shards', { read: 1000 * registry.others, write: 0 }],
    ['event that no endpoint wants, alone', alone.unwanted],
    ['event that some want, alone', alone.event],
    ['delivery created beside it, for each endpoint', alone.creation],
    ['attempt that succeeds', alone.delivery],
    [`event that some want, in a burst (${assumed('batch')} in an invocation)`, burst.event],
    ['delivery created beside it', burst.creation],
    ['attempt that succeeds', burst.delivery],
    ['notice that no chat gets, if it comes so far', notice],
    ['sweep that finds nothing', sweep],
  ];
  return table(
    ['', 'read units', 'write units'],
    rows.map(([what, { read, write }]) => [what, amount.format(read), amount.format(write)]),
    1,
  );
}

/** Use of a tick by each watch. */
export function pollUseTable(polls: ReadonlyMap<number, PollUse>): string {
  const rows = [...polls].flatMap(([transfers, { all, active }]) =>
    ([['all', all] as const, ['active ones', active] as const] as const).map(([listed, use], index) => [
      index === 0 ? number.format(transfers) : '',
      listed,
      ...[use.requests, use.cpu, use.read, use.change.requests, use.change.read, use.change.write].map((value) =>
        amount.format(value),
      ),
    ]),
  );
  return table(
    ['transfers', 'listed', 'requests', 'CPU ms', 'reads', 'a change: requests', 'reads', 'writes'],
    rows,
    2,
  );
}

/** Cost of each installation in each region, with and without the always-free amounts. */
export function billTable(bills: readonly InstallationBill[]): string {
  const [, ...further] = Object.keys(regions) as Region[];
  return table(
    ['watches × transfers', 'shards', 'at once', 'us-east-1', 'nothing free', ...further],
    bills.map(({ installation, use, bills: inRegions }) => [
      describe(installation),
      number.format(use.shards),
      amount.format(use.requestsAtOnce),
      ...inRegions.flatMap(({ region, beforeAlarms: { net, gross } }) =>
        region === 'us-east-1' ? [money.format(net), money.format(gross)] : [money.format(net)],
      ),
    ]),
    1,
  );
}

/** Cost of each variant, in us-east-1. */
export function variantTable(bills: readonly InstallationBill[]): string {
  return table(
    ['', 'shards', 'at once', 'USD', 'nothing free'],
    bills.map(({ installation: { name }, use, bills: inRegions }) => {
      const { net, gross } = inRegions.find(({ region }) => region === 'us-east-1')!.beforeAlarms;
      return [
        name,
        number.format(use.shards),
        amount.format(use.requestsAtOnce),
        money.format(net),
        money.format(gross),
      ];
    }),
    1,
  );
}

/** Cost of installations by service, in one region, with the always-free amounts. */
export function serviceTable(bills: readonly InstallationBill[], region: Region): string {
  const linesOf = ({ bills: inRegions }: InstallationBill) => inRegions.find((bill) => bill.region === region)!.lines;
  const rows = linesOf(bills[0]!).map(({ service, what }, at, all) => [
    service === all[at - 1]?.service ? '' : service,
    what,
    ...bills.map((bill) => money.format(linesOf(bill)[at]!.net)),
  ]);
  const headings = bills.map(
    ({ installation: { watches, fullListingEvery } }) =>
      number.format(watches) + (fullListingEvery === 1 ? '' : `, 1 of ${fullListingEvery}`),
  );
  return table(['USD', 'of what', ...headings], rows, 2);
}

/** Cost of a million deliveries, from their publication on. */
export function deliveryTable(measured: SharedUse, deployed: Deployed, region: Region): string {
  const kinds = [
    ['alone', { together: 1, endpoints: 1, chats: 0 }],
    ['bursts of 100', { together: 100, endpoints: 1, chats: 0 }],
    ['to 3 endpoints', { together: 1, endpoints: 3, chats: 0 }],
    ['a chat besides', { together: 1, endpoints: 1, chats: 1 }],
  ] as const;
  const use = { ...measured, stored: { ...measured.stored, transfer: 0 } };
  const costs = kinds.map(([, kind]) => deliveryCosts(kind, use, deployed, region));
  const services = [...costs[0]!.keys()];
  const total = (of: ReadonlyMap<string, number>) => [...of.values()].reduce((sum, value) => sum + value, 0);
  return table(
    ['USD', ...kinds.map(([name]) => name)],
    [
      ...services.map((service) => [service, ...costs.map((of) => money.format(of.get(service) ?? 0))]),
      ['all', ...costs.map((of) => money.format(total(of)))],
    ],
    1,
  );
}

/** Most watches for which each interval can be kept. */
export function largestTable(sizes: readonly (readonly [installation: Installation, use: MeasuredUse])[]): string {
  const kinds = sizes.flatMap(([installation, use]) =>
    [1, 10].map((fullListingEvery) => [{ ...installation, fullListingEvery }, use] as const),
  );
  const rows = atOnces.flatMap((atOnce) =>
    intervals.map((every, index) => [
      index === 0 ? String(atOnce) : '',
      `${every} min`,
      ...kinds.map(([kind, use]) => number.format(mostWatches(kind, use, every, atOnce))),
    ]),
  );
  const headings = kinds.map(
    ([{ transfers, fullListingEvery }]) =>
      `${number.format(transfers)}, ${fullListingEvery === 1 ? 'all' : `1 of ${fullListingEvery}`}`,
  );
  return table(['at once', 'every', ...headings], rows, 2);
}

const atOnces = [4, 16, 100];
const intervals = [1, 5, 15, 60];

/** Values that are assumed, not measured. */
export const assumptionTable = (): string =>
  table(
    ['assumed', 'value'],
    Object.values(assumptions).map(({ value, says }) => [says, fine.format(value)]),
    1,
  );

/** Lines of a month's bill, in one region. */
export function billLineTable({ bills }: InstallationBill, region: Region): string {
  const { lines, beforeAlarms, alarms } = bills.find((bill) => bill.region === region)!;
  const services = [...new Set(lines.map(({ service }) => service))];
  const rows = services.flatMap((service) => {
    const own = lines.filter((line) => line.service === service);
    return own.map((line, index) => [
      index === 0 ? service : '',
      line.what,
      amount.format(line.quantity),
      freeOf(line),
      money.format(line.net),
      money.format(line.gross),
    ]);
  });
  const total = { net: beforeAlarms.net + alarms.net, gross: beforeAlarms.gross + alarms.gross };
  return table(
    ['service', 'of what', 'a month', 'free', 'USD', 'nothing free'],
    [...rows, ['all', '', '', '', money.format(total.net), money.format(total.gross)]],
    2,
  );
}

/** Cost that a private network adds. */
export function networkTable(bills: readonly InstallationBill[]): string {
  return table(
    ['installation', 'region', 'NAT gateway USD', 'interface endpoints USD'],
    bills.flatMap(({ installation, network }) =>
      (Object.keys(network) as Region[]).map((region, index) => [
        index === 0 ? describe(installation) : '',
        region,
        money.format(network[region].natGateway),
        money.format(network[region].interfaceEndpoints),
      ]),
    ),
    2,
  );
}

/** Bundles of the functions, by size and by the time to load them. */
export function bundleTable({ rounds, bundles, empty }: BundleCosts): string {
  return table(
    ['function', 'KB', 'processes', 'load ms', 'CPU ms'],
    [
      ...bundles.map(({ name, size, load }) => [name, number.format(size), load] as const),
      ['an empty file', '0', empty] as const,
    ].map(([name, size, { wall, cpu }]) => [name, size, String(rounds), spread(wall), spread(cpu)]),
    1,
  );
}

const describe = ({ watches, transfers, every, fullListingEvery }: Installation): string =>
  `${number.format(watches)} × ${number.format(transfers)}, ${every} min${fullListingEvery === 1 ? '' : `, 1 of ${fullListingEvery}`}`;

const freeOf = ({ item }: BillLine): string => {
  const free = alwaysFree[item];
  return free === undefined ? '' : amount.format(free);
};
