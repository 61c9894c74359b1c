import { billLineTable, billTable, bundleTable, networkTable, unitTable } from './bill-tables.ts';
import type { BundleCosts } from './bundles.ts';
import type { ComparisonCost } from './comparison.ts';
import type { Figure } from './figures.ts';
import type { HourlyLoad } from './hourly-load.ts';
import type { BillInputs, InstallationBill } from './installation-bills.ts';
import { type MonthlyCost, polls as monthlyPolls, transfers as monthlyTransfers, price } from './monthly-cost.ts';
import type { PageReadingTime } from './page-reading.ts';
import type { PollCost } from './scenarios.ts';
import {
  comparisonTable,
  figureTable,
  hourlyLoadTable,
  monthTable,
  pageReadingTable,
  pollTable,
  webhookTable,
} from './tables.ts';
import type { WebhookSpeed } from './webhooks.ts';

/** Everything that one run has measured. */
export interface Report {
  /** ISO 8601. */
  readonly startedAt: string;
  /** Seconds. */
  readonly duration: number;
  readonly machine: string;
  /** Version of Node.js. */
  readonly node: string;
  readonly polls: readonly PollCost[];
  readonly comparisons: readonly ComparisonCost[];
  readonly pageReading: PageReadingTime;
  readonly hourlyLoad: readonly HourlyLoad[];
  readonly webhooks: WebhookSpeed;
  readonly bundles: BundleCosts;
  readonly months: readonly MonthlyCost[];
  readonly billInputs: BillInputs;
  readonly bills: readonly InstallationBill[];
  readonly figures: readonly Figure[];
}

/** The report as a person reads it. */
export function reportText(report: Report): string {
  const {
    startedAt,
    duration,
    machine,
    node,
    polls,
    comparisons,
    pageReading,
    hourlyLoad,
    webhooks,
    bundles,
    months,
    billInputs,
    bills,
    figures,
  } = report;
  const missed = figures.filter(({ isReached }) => isReached === false).length;
  const month = `${monthlyTransfers.toLocaleString('en-US')} transfers polled ${monthlyPolls.toLocaleString('en-US')} times`;
  return [
    `Transfer Notifier, ${startedAt.slice(0, 10)}, ${machine}, Node.js ${node}, ${Math.round(duration)} s`,
    section('What a poll costs (CPU: median; heap: greatest; ~ extrapolated from 10,000 transfers)', pollTable(polls)),
    section(
      'Comparing, without requests, beside JSON.parse of the same pages: median (least to greatest)',
      comparisonTable(comparisons),
    ),
    section('Listing on a slow server', pageReadingTable(pageReading)),
    section('An hour of polls, one a minute, 5 % of the transfers active', hourlyLoadTable(hourlyLoad)),
    section('Webhooks', webhookTable(webhooks)),
    section('Bundles, as they would be deployed: median (least to greatest)', bundleTable(bundles)),
    ...(months.length === 0
      ? []
      : [
          section(
            `A month of DynamoDB: ${month}, each transfer changing once (per million: writes ${price.write} USD, reads ${price.read} USD)`,
            monthTable(months),
          ),
        ]),
    section('Units of DynamoDB that webhooks cost, one by one, indexes included', unitTable(billInputs)),
    ...(bills.length === 0
      ? []
      : [
          section('A month of AWS, with its always-free amounts and as if nothing were free', billTable(bills)),
          section(`Of that, ${bills[0]!.installation.name} in us-east-1`, billLineTable(bills[0]!, 'us-east-1')),
          section('What a private network would add', networkTable(bills)),
        ]),
    section('What the design promises', figureTable(figures)),
    ...(missed > 0 ? [`!!! ${missed} OF ${figures.length} FIGURES NOT REACHED !!!`] : []),
  ].join('\n\n');
}

const section = (heading: string, text: string): string => `${heading}\n\n${text}`;
