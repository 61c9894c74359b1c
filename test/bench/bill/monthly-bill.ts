import { assumed } from './assumptions.ts';
import { type Announced, deliveriesOf } from './deliveries-of-month.ts';
import type { Installation } from './installations.ts';
import type { PollsBySize, SharedUse } from './measured-use.ts';
import { type MonthlyUse, monthlyUse } from './month.ts';
import { type Billed, items, network, priceIn, type Quantities, type Region, regions } from './prices.ts';
import { publicationsOf, sumOf } from './quantities.ts';

/** US dollars, without and with the always-free amounts. */
export interface Cost {
  readonly gross: number;
  readonly net: number;
}

/** One line of a bill. */
export interface BillLine extends Cost {
  readonly item: Billed;
  readonly service: string;
  readonly what: string;
  /** In single units. */
  readonly quantity: number;
}

/** A month's bill in one region. */
export interface MonthlyBill {
  readonly lines: readonly BillLine[];
  /** The sum of everything but alarms. */
  readonly beforeAlarms: Cost;
  readonly alarms: Cost;
  readonly network: NetworkCost;
}

/** An installation with its use and its bills. */
export interface InstallationBill {
  readonly installation: Installation;
  readonly use: MonthlyUse;
  readonly bills: Readonly<Record<Region, MonthlyBill>>;
}

/** Calculates the lines of a bill. */
export const linesOf = (use: Quantities, region: Region): BillLine[] =>
  (Object.keys(items) as Billed[]).map((item) => {
    const { service, what, per, price, free = 0 }: (typeof items)[Billed] & { readonly free?: number } = items[item];
    const quantity = use[item];
    const dollars = (units: number) => (units / per) * priceIn(region, price);
    return { item, service, what, quantity, gross: dollars(quantity), net: dollars(Math.max(0, quantity - free)) };
  });

const sumOfLines = (lines: readonly BillLine[]): Cost => ({
  gross: lines.reduce((sum, { gross }) => sum + gross, 0),
  net: lines.reduce((sum, { net }) => sum + net, 0),
});

/** Calculates the bills of installations whose mailboxes have sizes that were measured. */
export const billsOf = (
  chosen: readonly Installation[],
  shared: SharedUse,
  pollsBySize: PollsBySize,
): InstallationBill[] =>
  chosen.map((installation) => {
    const polls = pollsBySize.get(installation.transfers)!;
    const use = monthlyUse(installation, { ...shared, polls, transferBytes: polls.transferBytes });
    const bills = Object.fromEntries(regions.map((region) => [region, monthlyBill(installation, use, region)]));
    return { installation, use, bills: bills as Record<Region, MonthlyBill> };
  });

/** Calculates the charges of AWS for a month. */
export function monthlyBill(installation: Installation, use: MonthlyUse, region: Region): MonthlyBill {
  const lines = linesOf(use.quantities, region);
  return {
    lines,
    beforeAlarms: sumOfLines(lines.filter(({ item }) => item !== 'alarmMetrics')),
    alarms: sumOfLines(lines.filter(({ item }) => item === 'alarmMetrics')),
    network: networkCost(installation, use, region),
  };
}

/** The cost of the way to a server through a private network, in US dollars a month; the hours cost most by far. */
export interface NetworkCost {
  /** One NAT gateway, for a server that the network reaches over the internet. */
  readonly natGateway: number;
  /** Interface endpoints of SNS and Secrets Manager in one zone, for a server inside; DynamoDB's gateway costs nothing. */
  readonly interfaceEndpoints: number;
}

function networkCost({ together }: Installation, use: MonthlyUse, region: Region): NetworkCost {
  const { requests, dataOut, changes } = use;
  const price = (item: keyof typeof network) => priceIn(region, network[item]);
  const hours = assumed('days') * 24;
  const pages = (requests * assumed('pageBytes')) / 1e9 + dataOut;
  const publications = ((changes + changes / together) * assumed('publicationBytes')) / 1e9;
  return {
    natGateway: hours * price('natGatewayHour') + (pages + publications) * price('natGatewayData'),
    interfaceEndpoints: 2 * hours * price('interfaceEndpointHour') + publications * price('interfaceEndpointData'),
  };
}

/**
 * Calculates US dollars by service for a million deliveries of events to endpoints, from their publication on, with nothing
 * free. Everything that costs the same without any delivery is left out: idle queues, sweeps, metrics, alarms.
 */
export function deliveryCosts(
  kind: Omit<Announced, 'events'>,
  shared: SharedUse,
  region: Region,
): ReadonlyMap<string, number> {
  const events = 1e6 / kind.endpoints;
  const deliveries = deliveriesOf({ ...kind, events }, shared);
  const lines = linesOf(sumOf([deliveries, { snsPublishes: publicationsOf(events, kind.together) }]), region);
  const services = Map.groupBy(
    lines.filter(({ gross }) => gross > 0),
    ({ service }) => service,
  );
  return new Map([...services].map(([service, own]) => [service, sumOfLines(own).gross]));
}
