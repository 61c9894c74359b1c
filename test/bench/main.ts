import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import type { Approach } from './approach.ts';
import { getEach } from './approach-get-each.ts';
import { notifier } from './approach-notifier.ts';
import { oneItem } from './approach-one-item.ts';
import { putChanged } from './approach-put-changed.ts';
import { rewriteAll } from './approach-rewrite-all.ts';
import { measureBundles } from './bundles.ts';
import { measureBursts } from './burst.ts';
import { measureBurstUnits } from './burst-units.ts';
import { measureComparison } from './comparison.ts';
import { measureCrashes } from './crash.ts';
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
import { measureNeighbours } from './neighbours.ts';
import { objectInS3 } from './object-in-s3.ts';
import { parseOptions, type Section } from './options.ts';
import { filled } from './page.ts';
import { measurePageReading } from './page-reading.ts';
import { PlainServer } from './plain-listing.ts';
import { type BenchDependencies, pollDependencies } from './polling.ts';
import { reportParts, reportText } from './report.ts';
import type { Report } from './results.ts';
import { extrapolated, measureScenarios, type PollCost, smallestMailbox } from './scenarios.ts';
import { Services } from './services.ts';
import { measureThroughput } from './throughput.ts';
import { measureWarmCpu } from './warm-cpu.ts';
import { measureWebhookUnits } from './webhook-units.ts';

const { sizes, only, postel, json, fill } = parseOptions(process.argv.slice(2));
const services = await Services.start();
const deps = await pollDependencies(services.addresses);
const server = new PlainServer(services.addresses);
const loads: Partial<Record<Section, number>> = {};
const failures: Partial<Record<Section, string>> = {};
try {
  const report = await run(deps);
  console.log(json ? JSON.stringify(report, undefined, 2) : reportText(report));
  if (fill) writeFileSync(fill, filled(readFileSync(fill, 'utf8'), reportParts(report)));
  if (Object.keys(failures).length > 0) process.exitCode = 1;
} finally {
  server.close();
  deps.server.close();
  deps.dynamo.destroy();
  deps.topics.sns.destroy();
  await services.stop();
}

async function run(deps: BenchDependencies): Promise<Report> {
  const startedAt = new Date();
  if (only.includes('polls'))
    progress('all sections with mailboxes of up to 100,000 take about half an hour on two cores');
  const comparisons = await section('comparing', 'comparing 100,000 transfers', () =>
    measureComparison(services, server),
  );
  const pageReading = await section('listing', 'listing 100 pages on a slow server', () =>
    measurePageReading(services, deps),
  );
  const hourlyLoad = await section('hour', 'polling for an hour, without waiting', () =>
    measureHourlyLoad(services, deps),
  );
  const warm = await section('warm', 'polling and posting until warm', () => measureWarmCpu(services, deps, server));
  const bursts = await section('burst', 'publishing 300 events at once', () => measureBursts(services));
  const contestants = await section('throughput', 'publishing 1,000 events at once, then one by one', () =>
    measureThroughput(services, postel),
  );
  const neighbours = await section('neighbours', 'delivering beside bad endpoints', () => measureNeighbours(services));
  const crashes = await section('crash', 'killing a notifier in the middle of a burst', () => measureCrashes(services));
  const bundles = await section('bundles', 'loading bundles', () => {
    const { functions, remove } = synthesiseStack(true);
    try {
      return measureBundles(functions);
    } finally {
      remove();
    }
  });
  const units = await section('units', 'counting the units of webhooks', async () => ({
    bursts: await measureBurstUnits(services.addresses),
    alone: (await measureWebhookUnits(services.addresses, deps.topics)).units.alone,
  }));
  const reckoned = await section('bills', 'measuring what bills are reckoned from', () => reckon(deps));
  const approaches = [notifier, getEach, rewriteAll, putChanged, oneItem].map((way) => way(deps, server));
  const polls = (await section('polls', 'polling in all ways', () => measurePolls(approaches))) ?? [];
  const months = monthlyCosts(polls);
  const measurements = {
    polls,
    comparisons: comparisons ?? [],
    pageReading,
    hourlyLoad: hourlyLoad ?? [],
    warm,
    bursts: bursts ?? [],
    contestants: contestants ?? [],
    neighbours,
    crashes: crashes ?? [],
    bundles,
    ways: [...approaches, objectInS3].map(({ name, limit, loses }) => ({ name, limit, loses })),
    months: months.length > 0 ? [...months, objectInS3.month] : [],
    units,
    bills: reckoned?.bills ?? [],
    deliveries: reckoned?.deliveries,
  };
  return {
    startedAt: startedAt.toISOString(),
    duration: (Date.now() - startedAt.getTime()) / 1000,
    machine: `${os.cpus()[0]?.model.trim()}, ${os.platform()} ${os.arch()}`,
    cores: os.availableParallelism(),
    node: process.versions.node,
    loads,
    failures,
    ...measurements,
    figures: figures(measurements),
  };
}

/** Measures what was asked for; one section that fails ends no other. */
async function section<T>(name: Section, what: string, measure: () => Promise<T> | T): Promise<T | undefined> {
  if (!only.includes(name)) return undefined;
  progress(what);
  try {
    return await measure();
  } catch (error) {
    failures[name] = (error as Error).message;
    progress(`!!! ${name}: ${(error as Error).stack}`);
    return undefined;
  } finally {
    loads[name] = os.loadavg()[0]!;
  }
}

/** What AWS charges for some installations, and for a million deliveries. */
async function reckon(deps: BenchDependencies) {
  const { deployed, remove } = synthesiseStack(false);
  remove();
  const inputs = await measureBillInputs(services, deps, deployed);
  const billed = new Set(installations.map(({ transfers }) => transfers));
  const polls = await measureBilledSizes(services, deps, billed, ordinary.activeShare);
  return { bills: billsOf(installations, polls, inputs), deliveries: { measured: inputs.sharedUse, deployed } };
}

/** Polls in each way, at each size. */
async function measurePolls(approaches: readonly Approach[]): Promise<PollCost[]> {
  for (const [index, approach] of approaches.entries()) {
    await measureScenarios(services, approach, `warm-up-${index}@example.com`, smallestMailbox);
  }
  const polls: PollCost[] = [];
  for (const [index, approach] of approaches.entries()) polls.push(...(await measureSizes(approach, index)));
  return polls;
}

/** Measures an approach at every size, or extrapolates from the largest that it can be measured at. */
async function measureSizes(approach: Approach, at: number): Promise<PollCost[]> {
  const { largestMeasured, largestPossible } = approach;
  const possible = sizes.filter((size) => size <= largestPossible);
  const measurable = new Set(possible.map((size) => Math.min(size, largestMeasured)));
  const costs = new Map<number, PollCost[]>();
  for (const size of measurable) {
    progress(`${approach.name}: polling ${size.toLocaleString('en-US')} transfers`);
    costs.set(size, await measureScenarios(services, approach, `alice.${at}.${size}@example.com`, size));
  }
  return possible.flatMap((size) => costs.get(size) ?? extrapolated(costs.get(largestMeasured)!, approach, size));
}

function progress(text: string): void {
  console.error(`${process.uptime().toFixed(0).padStart(4)} s  ${text}`);
}
