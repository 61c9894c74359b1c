import { type Installation, variants, withReaders } from './installations.ts';
import type { PollsBySize, SharedUse } from './measured-use.ts';
import { billsOf } from './monthly-bill.ts';
import type { Region } from './prices.ts';
import {
  alarmText,
  assumptionTable,
  billTable,
  byteText,
  deliveryTable,
  largestTable,
  lineTable,
  networkTable,
  pollUseTable,
  readerTable,
  unitTable,
  variantTable,
} from './tables.ts';

/**
 * Writes the bills of installations, with everything that they are calculated from.
 *
 * @param region of the tables that are for one region
 * @param hasVariants adds what single settings change for a large installation, whose size has to be among those measured
 */
export function billText(
  chosen: readonly Installation[],
  shared: SharedUse,
  polls: PollsBySize,
  region: Region,
  hasVariants: boolean,
): string {
  const bills = billsOf(chosen, shared, polls);
  const sizes = [...polls].map(([transfers, measured]) => {
    const installation = chosen.find((one) => one.transfers === transfers)!;
    return [installation, { ...shared, polls: measured }] as const;
  });
  const variantsTitle = `What one thing changes for the last of them, in ${region}`;
  const sections: readonly (readonly string[])[] = [
    [
      'A month before alarms in USD, with the always-free amounts',
      billTable(bills),
      'N min: the polling interval. 1 of N: one poll in N lists all transfers; otherwise each poll does.',
      'At once: requests to the server in flight, on average.',
      `${alarmText(bills[0]!, region)} A dashboard (npm run deploy -- -c dashboard=yes): 3.00 more,`,
      'unless it is one of the three that an account has free.',
    ],
    [`Line by line in ${region}, by number of watches`, lineTable(bills, region)],
    ...(hasVariants
      ? [[`Readers by e-mail, in ${region}`, readerTable(billsOf(withReaders, shared, polls), region)]]
      : []),
    ...(hasVariants ? [[variantsTitle, variantTable(billsOf(variants, shared, polls), region)]] : []),
    [`A million deliveries in ${region}, from publication on, nothing free`, deliveryTable(shared, region)],
    [
      'The largest size: watches that an interval can be kept for, by requests in flight',
      largestTable(sizes),
      'By transfers of a watch; each poll lists all of them, or one poll of ten does.',
    ],
    ['A private network', networkTable(bills)],
    ['Measured: a poll of one watch, by what it lists', pollUseTable(polls)],
    ['Measured: units of DynamoDB, indexes included', unitTable(shared)],
    ['Measured: bytes', byteText(polls, shared)],
    ['Assumed', assumptionTable()],
  ];
  return sections.map(([title, ...texts]) => [title, '='.repeat(title!.length), ...texts].join('\n')).join('\n\n');
}
