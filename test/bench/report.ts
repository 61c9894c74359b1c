import { billTable, bundleTable, deliveryTable } from './bill-tables.ts';
import { polls as monthlyPolls, transfers as monthlyTransfers, price } from './monthly-cost.ts';
import type { Section } from './options.ts';
import type { Report } from './results.ts';
import {
  comparisonTable,
  figureTable,
  hourlyLoadTable,
  monthTable,
  pageReadingTable,
  pollTable,
  safetyTable,
} from './tables.ts';
import {
  burstTable,
  burstUnitTable,
  contestantTable,
  crashTable,
  latencyTable,
  neighbourTable,
  warmTable,
} from './webhook-tables.ts';

/** A table of the report. */
export interface Part {
  /** Under which the page of the benchmarks has a place for it. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** The report as a person reads it. */
export function reportText(report: Report): string {
  const { failures, figures } = report;
  const missed = figures.filter(({ isReached }) => isReached === false).length;
  return [
    ...reportParts(report).map(({ title, text }) => (title === '' ? text : `${title}\n\n${text}`)),
    ...Object.entries(failures).map(([name, why]) => `!!! ${name} NOT MEASURED: ${why}`),
    ...(missed > 0 ? [`!!! ${missed} OF ${figures.length} FIGURES MISSED !!!`] : []),
  ].join('\n\n');
}

/** The tables of what was measured, in the order in which they are printed. */
export function reportParts(report: Report): Part[] {
  const { startedAt, duration, machine, cores, node, figures } = report;
  const run = `Transfer Notifier, ${startedAt.slice(0, 10)}, ${Math.round(duration)} s\n${machine}, ${cores} cores, Node.js ${node}`;
  return [
    { id: 'run', title: '', text: run },
    ...pollParts(report),
    ...webhookParts(report),
    ...deploymentParts(report),
    { id: 'figures', title: 'What the design promises', text: figureTable(figures) },
  ];
}

function pollParts(report: Report): Part[] {
  const { polls, ways, comparisons, pageReading, hourlyLoad, warm, months } = report;
  const said = sayer(report);
  const month = `${monthlyTransfers.toLocaleString('en-US')} transfers polled ${monthlyPolls.toLocaleString('en-US')} times`;
  const prices = `Per million: write units ${price.write} USD, read units ${price.read} USD; of the object, requests to S3`;
  const pollsTitle = 'What a poll costs (CPU: median; heap: greatest; ~ extrapolated from 10,000)';
  const monthTitle = `A month: ${month}, each transfer changing once`;
  return [
    ...said('polls', 'polls', pollsTitle, polls, pollTable),
    ...said('polls', 'safety', 'What each way can be relied on for', polls.length > 0 ? ways : [], safetyTable),
    ...said('polls', 'month', monthTitle, months, (costs) => `${monthTable(costs)}\n\n${prices}`),
    ...said('comparing', 'comparing', 'Comparing beside JSON.parse of the same pages', comparisons, comparisonTable),
    ...said('listing', 'listing', 'Listing on a slow server', pageReading, pageReadingTable),
    ...said('hour', 'hour', 'An hour of polls, one a minute, 5 % of the transfers active', hourlyLoad, hourlyLoadTable),
    ...said('warm', 'warm', 'CPU of what is done again and again: median (least to greatest)', warm, warmTable),
  ];
}

function webhookParts(report: Report): Part[] {
  const { bursts, contestants, neighbours, crashes, units } = report;
  const said = sayer(report);
  return [
    ...said('burst', 'burst', 'A burst to one endpoint with default settings', bursts, burstTable),
    ...said(
      'throughput',
      'throughput',
      '1,000 events at once: median (least to greatest)',
      contestants,
      contestantTable,
    ),
    ...said('throughput', 'latency', 'Publication to first attempt, an event every 60 ms', contestants, latencyTable),
    ...said('neighbours', 'neighbours', 'Publication to first attempt beside others', neighbours, neighbourTable),
    ...said('crash', 'crash', 'SIGKILL in the middle of a burst, then a new start', crashes, crashTable),
    ...said('units', 'units', 'Units of DynamoDB for each delivery, indexes included', units, ({ bursts, alone }) =>
      burstUnitTable(bursts, alone),
    ),
  ];
}

function deploymentParts(report: Report): Part[] {
  const { bundles, bills, deliveries } = report;
  const said = sayer(report);
  const loading = 'Bundles, as they would be deployed: median (least to greatest)';
  return [
    ...said('bundles', 'bundles', loading, bundles, bundleTable),
    ...said('bills', 'bills', 'A month before alarms in USD, with the always-free amounts', bills, billTable),
    ...said('bills', 'deliveries', 'A million deliveries in us-east-1, nothing free', deliveries, (from) =>
      deliveryTable(from.measured, from.deployed, 'us-east-1'),
    ),
  ];
}

/** Says what was measured, with how busy the machine was; of what was not measured, nothing. */
function sayer({ loads, cores }: Report) {
  return <T>(
    section: Section,
    id: string,
    title: string,
    measured: T | undefined,
    text: (measured: T) => string,
  ): Part[] => {
    if (measured === undefined || (Array.isArray(measured) && measured.length === 0)) return [];
    const busy = `(load average ${loads[section]?.toFixed(1)}, ${cores} cores)`;
    return [{ id, title: `${title}\n${busy}`, text: text(measured) }];
  };
}
