import type { Units } from '#functions/dynamodb/partition.ts';
import { mostTold } from '#functions/notices/digest.ts';
import { number, table } from '#test/bench/table.ts';
import { assumed, assumptions } from './assumptions.ts';
import type { Installation } from './installations.ts';
import type { MeasuredUse, PollsBySize, SharedUse } from './measured-use.ts';
import { deliveryCosts, type InstallationBill } from './monthly-bill.ts';
import { mostWatches } from './polls-of-month.ts';
import { type Region, regions } from './prices.ts';

const money = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const amount = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

const everyRegion: readonly Region[] = regions;

/** For example `100 × 10,000, 1 min, 1 of 10`. */
const describe = ({ watches, transfers, every, fullListingEvery }: Installation): string =>
  `${number.format(watches)} × ${number.format(transfers)}, ${every} min${fullListingEvery === 1 ? '' : `, 1 of ${fullListingEvery}`}`;

/** Cost of each installation in each region, and in the first of them with nothing free. */
export const billTable = (bills: readonly InstallationBill[]): string =>
  costTable(bills, 'watches × transfers', describe, everyRegion);

/** Cost of each variant, in one region, with and without the always-free amounts. */
export const variantTable = (bills: readonly InstallationBill[], region: Region): string =>
  costTable(bills, '', ({ name }) => name, [region], 'USD');

function costTable(
  bills: readonly InstallationBill[],
  heading: string,
  nameOf: (installation: Installation) => string,
  [first, ...further]: readonly Region[],
  headingOfFirst: string = first!,
): string {
  return table(
    [heading, 'shards', 'at once', headingOfFirst, 'nothing free', ...further],
    bills.map(({ installation, use, bills: inRegions }) => [
      nameOf(installation),
      number.format(use.shards),
      amount.format(use.requestsAtOnce),
      money.format(inRegions[first!].beforeAlarms.net),
      money.format(inRegions[first!].beforeAlarms.gross),
      ...further.map((region) => money.format(inRegions[region].beforeAlarms.net)),
    ]),
  );
}

/** Cost of alarms, with and without the always-free amounts. */
export function alarmText({ bills }: InstallationBill, region: Region): string {
  const { net, gross } = bills[region].alarms;
  return `Alarms: ${net.toFixed(2)} more, ${gross.toFixed(2)} where nothing is free.`;
}

/** Cost of installations line by line, in one region, with the always-free amounts. */
export function lineTable(bills: readonly InstallationBill[], region: Region): string {
  const rows = bills[0]!.bills[region].lines.map(({ service, what }, index, lines) => [
    service === lines[index - 1]?.service ? '' : service,
    what,
    ...bills.map((bill) => money.format(bill.bills[region].lines[index]!.net)),
  ]);
  const headings = bills.map(
    ({ installation: { watches, fullListingEvery } }) =>
      number.format(watches) + (fullListingEvery === 1 ? '' : `, 1 of ${fullListingEvery}`),
  );
  return table(['USD', 'of what', ...headings], rows, 2);
}

/** Cost of a million deliveries, from their publication on. */
export function deliveryTable(shared: SharedUse, region: Region): string {
  const kinds = [
    ['alone', { together: 1, endpoints: 1 }],
    ['bursts of 100', { together: 100, endpoints: 1 }],
    ['to 3 endpoints', { together: 1, endpoints: 3 }],
  ] as const;
  const costs = kinds.map(([, kind]) => deliveryCosts(kind, shared, region));
  const services = [...costs[0]!.keys()];
  return table(
    ['USD', ...kinds.map(([name]) => name)],
    [
      ...services.map((service) => [service, ...costs.map((of) => money.format(of.get(service) ?? 0))]),
      ['all', ...costs.map((of) => money.format([...of.values()].reduce((sum, cost) => sum + cost, 0)))],
    ],
  );
}

/** Cost of an installation with readers, in one region, and what they add to it. */
export function readerTable(bills: readonly InstallationBill[], region: Region): string {
  const none = bills[0]!.bills[region].beforeAlarms;
  return table(
    ['', 'e-mails', 'USD', 'nothing free', 'added'],
    bills.map(({ installation, use, bills: inRegions }) => {
      const { net, gross } = inRegions[region].beforeAlarms;
      const mails = number.format(Math.round(use.quantities.snsEmails));
      return [installation.name, mails, money.format(net), money.format(gross), money.format(gross - none.gross)];
    }),
  );
}

/** Most watches for which each interval can be kept, by requests in flight. */
export function largestTable(sizes: readonly (readonly [installation: Installation, use: MeasuredUse])[]): string {
  const kinds = sizes.flatMap(([installation, use]) =>
    [1, 10].map((fullListingEvery) => [{ ...installation, fullListingEvery }, use] as const),
  );
  const rows = [4, 16, 100].flatMap((atOnce) =>
    [1, 5, 15, 60].map((every, index) => [
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

/** Cost that a private network adds. */
export const networkTable = (bills: readonly InstallationBill[]): string =>
  table(
    ['installation', 'region', 'NAT gateway USD', 'interface endpoints USD'],
    bills.flatMap(({ installation, bills: inRegions }) =>
      everyRegion.map((region, index) => [
        index === 0 ? describe(installation) : '',
        region,
        money.format(inRegions[region].network.natGateway),
        money.format(inRegions[region].network.interfaceEndpoints),
      ]),
    ),
    2,
  );

/** Share of each watch in a tick. */
export function pollUseTable(polls: PollsBySize): string {
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

/** Units that polls and webhooks read and write. */
export function unitTable({ webhooks, readers, registry }: SharedUse): string {
  const { alone, burst, sweep } = webhooks;
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
    ['sweep that finds nothing', sweep],
    ['reader: examined by an invocation of fan-out', readers.examined],
    ['reader: examined by a sweep', readers.swept],
    ['reader: delivery of an event that waits', readers.creation],
    ['digest, from its wake-up to the mail', readers.digest],
    ['digest: for each event that it tells', readers.told],
    ['digest: for each event that it only counts', readers.counted],
  ];
  return table(
    ['', 'read units', 'write units'],
    rows.map(([what, { read, write }]) => [what, amount.format(read), amount.format(write)]),
  );
}

/** Bytes of logs, rows and requests, and the number of metrics. */
export function byteText(polls: PollsBySize, { logs, stored, readers, requestBytes, metrics }: SharedUse): string {
  const bytes = number.format;
  return [
    `logged by a tick ${bytes(logs.tick)}, for each quiet watch ${bytes(logs.quiet)}, for each that changed ${bytes(logs.changed)};`,
    `by fan-out ${bytes(logs.fanOut)}, by deliver ${bytes(logs.deliver)} and ${bytes(logs.delivery)} for each success, by a sweep ${bytes(logs.sweep)};`,
    `stored for a transfer ${[...polls.values()].map(({ transferBytes }) => bytes(transferBytes)).join(' and ')}, an event ${bytes(stored.event)}, a delivery ${bytes(stored.delivery)};`,
    `for a reader: an event ${bytes(readers.stored.delivery)}, a digest of ${mostTold} events ${bytes(readers.stored.digest)};`,
    `of a request for a page ${bytes(requestBytes)}, with the client id, TLS, TCP and IP to be added.`,
    `Metrics sent by each tick or sweep: ${metrics.always}; by changes and deliveries besides: ${metrics.changing}.`,
  ].join('\n');
}

/** Values that are assumed, not measured. */
export const assumptionTable = (): string =>
  table(
    ['assumed', 'value'],
    Object.values(assumptions).map(({ value, says }) => [says, fine.format(value)]),
  );
