import { assumed } from './bill-assumptions.ts';
import type { MonthlyUse } from './monthly-use.ts';
import { alwaysFree, type Billed, billed, type Quantities, type Region, regions } from './prices.ts';
import type { Installation } from './use.ts';

/** One line of a bill. */
export interface BillLine {
  readonly item: Billed;
  readonly service: string;
  readonly what: string;
  /** In single units. */
  readonly quantity: number;
  /** US dollars for all of it. */
  readonly gross: number;
  /** US dollars for what goes beyond the always-free amount. */
  readonly net: number;
}

/** A month's bill in one region. */
export interface MonthlyBill {
  readonly region: Region;
  readonly lines: readonly BillLine[];
  /** US dollars for everything but alarms. */
  readonly beforeAlarms: Total;
  readonly alarms: Total;
}

/** US dollars, without and with the always-free amounts. */
export interface Total {
  readonly gross: number;
  readonly net: number;
}

/** What AWS charges for a month. */
export function monthlyBill(use: Quantities, region: Region): MonthlyBill {
  const { prices } = regions[region];
  const lines = (Object.keys(billed) as Billed[]).map((item): BillLine => {
    const { service, what, per } = billed[item];
    const quantity = use[item];
    const dollars = (units: number) => (units / per) * prices[item];
    const beyondFree = Math.max(0, quantity - (alwaysFree[item] ?? 0));
    return { item, service, what, quantity, gross: dollars(quantity), net: dollars(beyondFree) };
  });
  return {
    region,
    lines,
    beforeAlarms: totalOf(lines.filter(({ item }) => item !== 'alarmMetrics')),
    alarms: totalOf(lines.filter(({ item }) => item === 'alarmMetrics')),
  };
}

/** The sum of lines. */
export const totalOf = (lines: readonly BillLine[]): Total => ({
  gross: lines.reduce((sum, { gross }) => sum + gross, 0),
  net: lines.reduce((sum, { net }) => sum + net, 0),
});

/** What it costs to reach a server through a private network, in US dollars a month. */
export interface NetworkCost {
  /** One NAT gateway, for a server that the network reaches over the internet. */
  readonly natGateway: number;
  /** Interface endpoints of SNS and Secrets Manager in one zone, for a server inside; DynamoDB's gateway costs nothing. */
  readonly interfaceEndpoints: number;
}

/** The price of the optional private network, whose hours cost most by far. */
export function networkCost(
  { together }: Pick<Installation, 'together'>,
  { requests, dataOut, changes }: MonthlyUse,
  region: Region,
): NetworkCost {
  const { natGatewayHour, natGatewayData, interfaceEndpointHour, interfaceEndpointData } = regions[region].network;
  const hours = assumed('days') * 24;
  const pages = (requests * assumed('pageBytes')) / 1e9 + dataOut;
  const publications = ((changes + changes / together) * assumed('publicationBytes')) / 1e9;
  return {
    natGateway: hours * natGatewayHour + (pages + publications) * natGatewayData,
    interfaceEndpoints: 2 * hours * interfaceEndpointHour + publications * interfaceEndpointData,
  };
}
