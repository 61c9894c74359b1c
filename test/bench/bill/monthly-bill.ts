import { assumed } from './assumptions.ts';
import { type Announced, deliveriesOf } from './deliveries-of-month.ts';
import type { Installation } from './installations.ts';
import type { PollsBySize, SharedUse } from './measured-use.ts';
import { type MonthlyUse, monthlyUse } from './month.ts';
import { type Billed, items, network, priceIn, type Quantities, type Region, regions } from './prices.ts';
import { publicationsOf, sumOf } from './quantities.ts';

/** US dollars, without and with the always-free amounts. */
interface Cost {
  readonly gross: number;
  readonly net: number;
}

/** Calculates the lines of a bill. */
export const linesOf = (use: Quantities, region: Region) =>
  (Object.keys(items) as Billed[]).map((item) => {
    const { service, what, per, price, free = 0 }: (typeof items)[Billed] & { readonly free?: number } = items[item];
    const quantity = use[item];
    const dollars = (units: number) => (units / per) * priceIn(region, price);
    return { item, service, what, quantity, gross: dollars(quantity), net: dollars(Math.max(0, quantity - free)) };
  });

const sumOfLines = (lines: readonly Cost[]): Cost => ({
  gross: lines.reduce((sum, { gross }) => sum + gross, 0),
  net: lines.reduce((sum, { net }) => sum + net, 0),
});

/** Calculates the charges of AWS for a month in one region; a private network is apart from them. */
export function monthlyBill(use: MonthlyUse, region: Region) {
  const lines = linesOf(use.quantities, region);
  return {
    lines,
    beforeAlarms: sumOfLines(lines.filter(({ item }) => item !== 'alarmMetrics')),
    alarms: sumOfLines(lines.filter(({ item }) => item === 'alarmMetrics')),
    network: networkCost(use, region),
  };
}

/** Calculates the cost of the way to a server through a private network, in US dollars. The hours cost most by far. */
function networkCost({ requests, dataOut, changes }: MonthlyUse, region: Region) {
  const price = (item: keyof typeof network) => priceIn(region, network[item]);
  const hours = assumed('days') * 24;
  const pages = (requests * assumed('pageBytes')) / 1e9 + dataOut;
  const publications = (changes * assumed('publicationBytes')) / 1e9;
  return {
    /** One NAT gateway, for a server that the network reaches over the internet. */
    natGateway: hours * price('natGatewayHour') + (pages + publications) * price('natGatewayData'),
    /** Those of SNS and Secrets Manager in one zone, for a server inside; DynamoDB's gateway costs nothing. */
    interfaceEndpoints: 2 * hours * price('interfaceEndpointHour') + publications * price('interfaceEndpointData'),
  };
}

/** Calculates the bills of installations whose mailboxes have sizes that were measured. */
export const billsOf = (chosen: readonly Installation[], shared: SharedUse, pollsBySize: PollsBySize) =>
  chosen.map((installation) => {
    const use = monthlyUse(installation, { ...shared, polls: pollsBySize.get(installation.transfers)! });
    const bills = Object.fromEntries(regions.map((region) => [region, monthlyBill(use, region)]));
    return { installation, use, bills: bills as Record<Region, ReturnType<typeof monthlyBill>> };
  });

/** An installation with its use and its bills. */
export type InstallationBill = ReturnType<typeof billsOf>[number];

/**
 * Calculates US dollars by service for a million deliveries of events to endpoints, from their publication on, with nothing
 * free. Everything that costs the same without any delivery is left out: idle queues, sweeps, metrics, alarms.
 */
export function deliveryCosts(kind: Omit<Announced, 'events'>, shared: SharedUse, region: Region) {
  const events = 1e6 / kind.endpoints;
  const deliveries = deliveriesOf({ ...kind, events }, shared);
  const lines = linesOf(sumOf([deliveries, { snsPublishes: publicationsOf(events, kind.together) }]), region);
  const services = Map.groupBy(
    lines.filter(({ gross }) => gross > 0),
    ({ service }) => service,
  );
  return new Map([...services].map(([service, own]) => [service, sumOfLines(own).gross]));
}
