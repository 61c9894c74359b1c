import {
  assumptionTable,
  billLineTable,
  billTable,
  deliveryTable,
  largestTable,
  networkTable,
  pollUseTable,
  serviceTable,
  unitTable,
  variantTable,
} from './bill-tables.ts';
import { type BillInputs, billsOf, type InstallationBill, measuredUse, variants } from './installation-bills.ts';
import type { Region } from './prices.ts';
import type { MeasuredPolls } from './shard-units.ts';

type Section = readonly [title: string, ...texts: string[]];

const region: Region = 'us-east-1';

/** The bills of the installations that every run reckons. */
export function wholeText(
  bills: readonly InstallationBill[],
  polls: ReadonlyMap<number, MeasuredPolls>,
  inputs: BillInputs,
): string {
  return textOf([
    [
      'A month before alarms in USD, with the always-free amounts',
      billTable(bills),
      'N min: the polling interval. 1 of N: one poll in N lists all transfers; otherwise each poll does.',
      'At once: requests to the server in flight, on average.',
      `Alarms: ${alarmText(bills[0]!)}. A dashboard (npm run deploy -- -c dashboard=yes): 3.00 more,`,
      'unless it is one of the three that an account has free.',
    ],
    [`Line by line in ${region}, by number of watches`, serviceTable(bills, region)],
    ['What one thing changes for the last of them, in us-east-1', variantTable(billsOf(variants, polls, inputs))],
    [
      `A million deliveries in ${region}, from publication on, nothing free`,
      deliveryTable(inputs.sharedUse, inputs.deployed, region),
    ],
    largest(bills, polls, inputs),
    ['A private network', networkTable(bills)],
    ...sources(polls, inputs),
  ]);
}

/** The bill of an installation that the caller describes. */
export function ownText(
  bill: InstallationBill,
  polls: ReadonlyMap<number, MeasuredPolls>,
  inputs: BillInputs,
  inRegion: Region = region,
): string {
  return textOf([
    ['A month before alarms in USD, with the always-free amounts', billTable([bill]), `Alarms: ${alarmText(bill)}.`],
    [`Line by line in ${inRegion}`, billLineTable(bill, inRegion)],
    largest([bill], polls, inputs),
    ['A private network', networkTable([bill])],
    ...sources(polls, inputs),
  ]);
}

function largest(
  bills: readonly InstallationBill[],
  polls: ReadonlyMap<number, MeasuredPolls>,
  inputs: BillInputs,
): Section {
  const ofSize = [...polls].map(([transfers, measured]) => {
    const { installation } = bills.find((bill) => bill.installation.transfers === transfers)!;
    return [installation, measuredUse(measured, inputs)!] as const;
  });
  return [
    'The largest size: watches that an interval can be kept for, by requests in flight',
    largestTable(ofSize),
    'By transfers of a watch; each poll lists all of them, or one poll of ten does.',
  ];
}

const sources = (polls: ReadonlyMap<number, MeasuredPolls>, inputs: BillInputs): readonly Section[] => [
  ['Measured: a poll of one watch, by what it lists', pollUseTable(polls)],
  ['Measured: units of DynamoDB, indexes included', unitTable(inputs)],
  ['Measured: bytes', measuredBytes(polls, inputs)],
  ['Assumed', assumptionTable()],
];

function measuredBytes(polls: ReadonlyMap<number, MeasuredPolls>, { sharedUse }: BillInputs): string {
  const { logs, stored, requestBytes, metrics } = sharedUse;
  const rounded = (value: number) => Math.round(value).toLocaleString('en-US');
  return [
    `logged by a tick ${rounded(logs.tick)}, for each quiet watch ${rounded(logs.quiet)}, for each that changed ${rounded(logs.changed)};`,
    `by fan-out ${rounded(logs.fanOut)}, by deliver ${rounded(logs.deliver)} and ${rounded(logs.delivery)} for each success, by a sweep ${rounded(logs.sweep)};`,
    `stored for a transfer ${[...polls.values()].map(({ transferBytes }) => rounded(transferBytes)).join(' and ')}, an event ${rounded(stored.event)}, a delivery ${rounded(stored.delivery)};`,
    `of a request for a page ${rounded(requestBytes)}, with the client id, TLS, TCP and IP to be added.`,
    `Metrics sent by each tick or sweep: ${metrics.always}; by changes and deliveries besides: ${metrics.changing}.`,
  ].join('\n');
}

function alarmText({ bills }: InstallationBill): string {
  const { net, gross } = bills.find((bill) => bill.region === region)!.alarms;
  return `${net.toFixed(2)} more, ${gross.toFixed(2)} where nothing is free`;
}

const textOf = (sections: readonly Section[]): string =>
  sections.map(([title, ...texts]) => [title, '='.repeat(title.length), ...texts].join('\n')).join('\n\n');
