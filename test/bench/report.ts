import type { ComparisonCost } from './comparison.ts';
import type { Figure } from './figures.ts';
import { type MonthlyCost, polls as monthlyPolls, transfers as monthlyTransfers, price } from './monthly-cost.ts';
import type { PageReadingTime } from './page-reading.ts';
import type { PollCost } from './scenarios.ts';
import { comparisonTable, figureTable, monthTable, pageReadingTable, pollTable, webhookTable } from './tables.ts';
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
  readonly webhooks: WebhookSpeed;
  readonly months: readonly MonthlyCost[];
  readonly figures: readonly Figure[];
}

/** The report as a person reads it. */
export function reportText(report: Report): string {
  const { startedAt, duration, machine, node, polls, comparisons, pageReading, webhooks, months, figures } = report;
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
    section('Webhooks', webhookTable(webhooks)),
    ...(months.length === 0
      ? []
      : [
          section(
            `A month of DynamoDB: ${month}, each transfer changing once (per million: writes ${price.write} USD, reads ${price.read} USD)`,
            monthTable(months),
          ),
        ]),
    section('What the design promises', figureTable(figures)),
    ...(missed > 0 ? [`!!! ${missed} OF ${figures.length} FIGURES NOT REACHED !!!`] : []),
  ].join('\n\n');
}

const section = (heading: string, text: string): string => `${heading}\n\n${text}`;
