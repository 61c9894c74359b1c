import os from 'node:os';
import type { PollDependencies } from '../../functions/transfers/poll.ts';
import type { Approach } from './approach.ts';
import { getEach } from './approach-get-each.ts';
import { notifier } from './approach-notifier.ts';
import { rewriteAll } from './approach-rewrite-all.ts';
import { measureBundles } from './bundles.ts';
import { measureComparison } from './comparison.ts';
import { synthesiseStack } from './deployed-stack.ts';
import { figures } from './figures.ts';
import { measureHourlyLoad } from './hourly-load.ts';
import {
  billsOf,
  installations,
  measureSizes as measureBilledSizes,
  measureBillInputs,
  ordinary,
} from './installation-bills.ts';
import { monthlyCosts } from './monthly-cost.ts';
import { parseOptions } from './options.ts';
import { measurePageReading } from './page-reading.ts';
import { PlainServer } from './plain-listing.ts';
import { pollDependencies } from './polling.ts';
import { type Report, reportText } from './report.ts';
import { extrapolated, measureScenarios, type PollCost, smallestMailbox } from './scenarios.ts';
import { Services } from './services.ts';
import { measureWebhooks } from './webhooks.ts';

const { sizes, json } = parseOptions(process.argv.slice(2));
const services = await Services.start();
const deps = await pollDependencies(services.addresses);
const server = new PlainServer(services.addresses);
try {
  const report = await run(deps);
  console.log(json ? JSON.stringify(report, undefined, 2) : reportText(report));
} finally {
  server.close();
  deps.server.close();
  deps.dynamo.destroy();
  deps.topics.sns.destroy();
  await services.stop();
}

async function run(deps: PollDependencies): Promise<Report> {
  const startedAt = new Date();
  const approaches = [notifier(deps), getEach(server, deps), rewriteAll(server, deps)];
  progress(`this takes about ${expectedDuration(approaches)} on two shared cores; tables follow at the end`);
  progress('warming up');
  for (const [at, approach] of approaches.entries()) {
    await measureScenarios(services, approach, `warm-up-${at}@example.com`, smallestMailbox);
  }
  progress('comparing 100,000 transfers');
  const comparisons = await measureComparison(services, server);
  progress('listing 100 pages on a slow server');
  const pageReading = await measurePageReading(services, deps);
  progress('polling for an hour, without waiting');
  const hourlyLoad = await measureHourlyLoad(services, deps);
  progress('delivering webhooks');
  const webhooks = await measureWebhooks(services);
  progress('loading bundles');
  const { functions, deployed, remove } = synthesiseStack(true);
  const bundles = measureBundles(functions);
  remove();
  progress('counting the units of webhooks');
  const billInputs = await measureBillInputs(services, deps, deployed);
  const billedSizes = new Set(installations.map(({ transfers }) => transfers).filter((size) => sizes.includes(size)));
  const billedPolls = await measureBilledSizes(services, deps, billedSizes, ordinary.activeShare);
  const polls: PollCost[] = [];
  for (const [at, approach] of approaches.entries()) polls.push(...(await measureSizes(approach, at)));
  const measurements = {
    polls,
    comparisons,
    pageReading,
    hourlyLoad,
    webhooks,
    bundles,
    months: monthlyCosts(polls),
    billInputs,
    bills: billsOf(installations, billedPolls, billInputs),
  };
  return {
    startedAt: startedAt.toISOString(),
    duration: (Date.now() - startedAt.getTime()) / 1000,
    machine: `${os.cpus()[0]?.model.trim()}, ${os.availableParallelism()} cores, ${os.platform()} ${os.arch()}`,
    node: process.versions.node,
    ...measurements,
    figures: figures(measurements),
  };
}

/** Measures an approach at every size, or extrapolates from the largest that it can be measured at. */
async function measureSizes(approach: Approach, at: number): Promise<PollCost[]> {
  const measurable = new Set(sizes.map((size) => Math.min(size, approach.largestMeasured)));
  const costs = new Map<number, PollCost[]>();
  for (const size of measurable) {
    progress(`${approach.name}: polling ${size.toLocaleString('en-US')} transfers`);
    costs.set(size, await measureScenarios(services, approach, `alice.${at}.${size}@example.com`, size));
  }
  const { largestMeasured } = approach;
  return sizes.flatMap((size) => costs.get(size) ?? extrapolated(costs.get(largestMeasured)!, approach, size));
}

/** In words, by what it took on two shared cores. */
function expectedDuration(approaches: readonly Approach[]): string {
  const fixedSeconds = 290;
  const secondsPerMailbox = 5;
  const seconds = approaches.flatMap(({ largestMeasured, secondsPerTransfer }) =>
    sizes.map((size) => secondsPerMailbox + Math.min(size, largestMeasured) * secondsPerTransfer),
  );
  const total = seconds.reduce((sum, part) => sum + part, fixedSeconds);
  return total < 90 ? `${Math.ceil(total / 10) * 10} s` : `${Math.round(total / 60)} minutes`;
}

function progress(text: string): void {
  console.error(`${process.uptime().toFixed(0).padStart(4)} s  ${text}`);
}
