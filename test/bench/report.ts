import type { Safety } from './approach.ts';
import { billLineTable, billTable, bundleTable, networkTable, webhookUnitTable } from './bill-tables.ts';
import type { BundleCosts } from './bundles.ts';
import type { BurstTime } from './burst.ts';
import type { BurstUnits } from './burst-units.ts';
import type { ComparisonCost } from './comparison.ts';
import type { CrashRecovery } from './crash.ts';
import type { Figure } from './figures.ts';
import type { HourlyLoad } from './hourly-load.ts';
import type { BillInputs, InstallationBill } from './installation-bills.ts';
import { type MonthlyCost, polls as monthlyPolls, transfers as monthlyTransfers, price } from './monthly-cost.ts';
import type { NeighbourLatency } from './neighbours.ts';
import type { Section } from './options.ts';
import type { PageReadingTime } from './page-reading.ts';
import type { PollCost } from './scenarios.ts';
import {
  comparisonTable,
  figureTable,
  hourlyLoadTable,
  monthTable,
  pageReadingTable,
  pollTable,
  safetyTable,
} from './tables.ts';
import type { ContestantSpeed } from './throughput.ts';
import type { WarmCpu } from './warm-cpu.ts';
import {
  burstTable,
  burstUnitTable,
  contestantTable,
  crashTable,
  latencyTable,
  neighbourTable,
  warmTable,
} from './webhook-tables.ts';

/** Everything that one run has measured; what was not asked for, or has failed, is empty or undefined. */
export interface Report {
  /** ISO 8601. */
  readonly startedAt: string;
  /** Seconds. */
  readonly duration: number;
  readonly machine: string;
  readonly cores: number;
  /** Version of Node.js. */
  readonly node: string;
  /** Processes that ran or wanted to, on average over the last minute of each section, its own included. */
  readonly loads: Readonly<Partial<Record<Section, number>>>;
  /** Why sections could not be measured. */
  readonly failures: Readonly<Partial<Record<Section, string>>>;
  readonly polls: readonly PollCost[];
  readonly ways: readonly Safety[];
  readonly comparisons: readonly ComparisonCost[];
  readonly pageReading: PageReadingTime | undefined;
  readonly hourlyLoad: readonly HourlyLoad[];
  readonly warm: WarmCpu | undefined;
  readonly bursts: readonly BurstTime[];
  readonly contestants: readonly ContestantSpeed[];
  readonly neighbours: NeighbourLatency | undefined;
  readonly crashes: readonly CrashRecovery[];
  readonly bundles: BundleCosts | undefined;
  readonly months: readonly MonthlyCost[];
  readonly units: { readonly bursts: readonly BurstUnits[]; readonly billInputs: BillInputs } | undefined;
  readonly bills: readonly InstallationBill[];
  readonly figures: readonly Figure[];
}

/** The report as a person reads it. */
export function reportText(report: Report): string {
  const { startedAt, duration, machine, cores, node, failures, figures } = report;
  const missed = figures.filter(({ isReached }) => isReached === false).length;
  return [
    `Transfer Notifier, ${startedAt.slice(0, 10)}, ${machine}, ${cores} cores, Node.js ${node}, ${Math.round(duration)} s`,
    ...pollSections(report),
    ...webhookSections(report),
    ...billSections(report),
    ...Object.entries(failures).map(([name, why]) => `!!! ${name} NOT MEASURED: ${why}`),
    heading('What the design promises', figureTable(figures)),
    ...(missed > 0 ? [`!!! ${missed} OF ${figures.length} FIGURES MISSED !!!`] : []),
  ].join('\n\n');
}

function pollSections(report: Report): string[] {
  const { polls, ways, comparisons, pageReading, hourlyLoad, warm, months } = report;
  const said = sayer(report);
  const month = `${monthlyTransfers.toLocaleString('en-US')} transfers polled ${monthlyPolls.toLocaleString('en-US')} times`;
  return [
    ...said('polls', 'What a poll costs (CPU: median; heap: greatest; ~ extrapolated from 10,000)', polls, pollTable),
    ...said('polls', 'What each way can be relied on for', polls.length > 0 ? ways : [], safetyTable),
    ...said('polls', `A month: ${month}, each transfer changing once`, months, (costs) =>
      [
        monthTable(costs),
        `DynamoDB's units, per million: writes ${price.write} USD, reads ${price.read} USD; of the object, requests to S3`,
      ].join('\n\n'),
    ),
    ...said('comparing', 'Comparing beside JSON.parse of the same pages', comparisons, comparisonTable),
    ...said('listing', 'Listing on a slow server', pageReading, pageReadingTable),
    ...said('hour', 'An hour of polls, one a minute, 5 % of the transfers active', hourlyLoad, hourlyLoadTable),
    ...said('warm', 'CPU of what is done again and again: median (least to greatest)', warm, warmTable),
  ];
}

function webhookSections(report: Report): string[] {
  const { bursts, contestants, neighbours, crashes, units } = report;
  const said = sayer(report);
  return [
    ...said('burst', 'A burst to one endpoint with default settings', bursts, burstTable),
    ...said('throughput', '1,000 events at once: median (least to greatest)', contestants, contestantTable),
    ...said('throughput', 'Publication to first attempt, one event every 60 ms', contestants, latencyTable),
    ...said('neighbours', 'Publication to first attempt beside other endpoints', neighbours, neighbourTable),
    ...said('crash', 'SIGKILL in the middle of a burst, then a new start', crashes, crashTable),
    ...said('units', 'Units of DynamoDB for each delivery, indexes included', units, ({ bursts, billInputs }) =>
      burstUnitTable(bursts, billInputs.sharedUse.webhooks),
    ),
    ...said('units', 'Of which, one by one', units, ({ billInputs }) => webhookUnitTable(billInputs)),
  ];
}

function billSections(report: Report): string[] {
  const { bundles, bills } = report;
  const said = sayer(report);
  return [
    ...said('bundles', 'Bundles, as they would be deployed: median (least to greatest)', bundles, bundleTable),
    ...(bills.length === 0
      ? []
      : [
          heading('A month of AWS, with its always-free amounts and as if nothing were free', billTable(bills)),
          heading(`Of that, ${bills[0]!.installation.name} in us-east-1`, billLineTable(bills[0]!, 'us-east-1')),
          heading('What a private network would add', networkTable(bills)),
        ]),
  ];
}

/** Says what was measured, with how busy the machine was; of what was not measured, nothing. */
function sayer({ loads, cores }: Report) {
  return <T>(section: Section, title: string, measured: T | undefined, text: (measured: T) => string): string[] => {
    if (measured === undefined || (Array.isArray(measured) && measured.length === 0)) return [];
    return [heading(`${title}\n(load average ${loads[section]?.toFixed(1)}, ${cores} cores)`, text(measured))];
  };
}

const heading = (title: string, text: string): string => `${title}\n\n${text}`;
