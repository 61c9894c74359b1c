import type { BundleCosts } from './bundles.ts';
import type { BillInputs, InstallationBill } from './installation-bills.ts';
import type { BillLine } from './monthly-bill.ts';
import { alwaysFree, type Region, regions } from './prices.ts';
import { number, spread, table } from './tables.ts';

const money = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const amount = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** What webhooks read and write. */
export function webhookUnitTable({ sharedUse: { webhooks, registryReads } }: BillInputs): string {
  const { event, notice, creation, delivery, sweep } = webhooks;
  const rows = [
    ['event stored', event],
    ['notice that nobody gets', notice],
    ['delivery created, for each endpoint', creation],
    ['attempt that succeeds', delivery],
    ['sweep that finds nothing', sweep],
    ['beside that: registry of 1,000 watches', { read: 1000 * registryReads, write: 0 }],
  ] as const;
  return table(
    ['', 'read units', 'write units'],
    rows.map(([what, { read, write }]) => [what, amount.format(read), amount.format(write)]),
    1,
  );
}

/** What each installation costs in each region: with the always-free amounts, and without them. */
export function billTable(bills: readonly InstallationBill[]): string {
  return table(
    ['installation', 'region', 'shards', 'USD', 'nothing free', 'alarms', 'nothing free'],
    bills.flatMap(({ installation, use, bills: inRegions }) =>
      inRegions.map(({ region, beforeAlarms, alarms }, at) => [
        at === 0 ? describe(installation) : '',
        `${region} ${regions[region].place}`,
        number.format(use.shards),
        money.format(beforeAlarms.net),
        money.format(beforeAlarms.gross),
        money.format(alarms.net),
        money.format(alarms.gross),
      ]),
    ),
    2,
  );
}

/** What a month consists of, in one region. */
export function billLineTable({ bills }: InstallationBill, region: Region): string {
  const { lines, beforeAlarms, alarms } = bills.find((bill) => bill.region === region)!;
  const services = [...new Set(lines.map(({ service }) => service))];
  const rows = services.flatMap((service) => {
    const own = lines.filter((line) => line.service === service);
    return own.map((line, at) => [
      at === 0 ? service : '',
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

/** What a private network adds. */
export function networkTable(bills: readonly InstallationBill[]): string {
  return table(
    ['installation', 'region', 'NAT gateway USD', 'interface endpoints USD'],
    bills.flatMap(({ installation, network }) =>
      (Object.keys(network) as Region[]).map((region, at) => [
        at === 0 ? describe(installation) : '',
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

const describe = ({ watches, transfers, every }: InstallationBill['installation']): string =>
  `${number.format(watches)} × ${number.format(transfers)}, every ${every} min`;

const freeOf = ({ item }: BillLine): string => {
  const free = alwaysFree[item];
  return free === undefined ? '' : amount.format(free);
};
