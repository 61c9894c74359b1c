import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { bills } from '#test/bench/bill/bills.ts';
import { consolePages } from '#test/bench/console/pages.ts';
import { bundles } from '#test/bench/deployed/bundles.ts';
import { paging } from '#test/bench/paging/paging.ts';
import { comparing } from '#test/bench/polls/comparing.ts';
import { following } from '#test/bench/polls/following.ts';
import { hour } from '#test/bench/polls/hour.ts';
import { listing } from '#test/bench/polls/listing.ts';
import { withServices } from '#test/bench/polls/polling.ts';
import { polls } from '#test/bench/polls/polls.ts';
import { warm } from '#test/bench/polls/warm.ts';
import { twinMonth } from '#test/bench/receivers/twin.ts';
import { explaining } from '#test/bench/units/explaining.ts';
import { units } from '#test/bench/units/units.ts';
import { burst } from '#test/bench/webhooks/burst.ts';
import { crash } from '#test/bench/webhooks/crash.ts';
import { neighbours } from '#test/bench/webhooks/neighbours.ts';
import { throughput } from '#test/bench/webhooks/throughput.ts';
import { parseOptions } from './options.ts';
import { fillPlaces } from './page.ts';
import { type MeasuredSection, type Report, reportTables, reportText } from './report.ts';
import type { Bench, Section } from './section.ts';

/** In the order of their measurement; the longest comes last. */
const sections = [
  comparing,
  listing,
  hour,
  following,
  warm,
  burst,
  throughput,
  neighbours,
  crash,
  consolePages,
  twinMonth,
  paging,
  bundles,
  units,
  explaining,
  bills,
  polls,
];

const { sizes, only, stored, postel, json, fill } = parseOptions(process.argv.slice(2), sections);
const startedAt = new Date();
const progress = (text: string) => console.error(`${process.uptime().toFixed(0).padStart(4)} s  ${text}`);
const measured: Record<string, MeasuredSection> = {};
await withServices(async (bench) => {
  for (const section of only)
    measured[section.name] = await measure(section, { ...bench, sizes, stored, postel, progress });
});
const report: Report = {
  startedAt: startedAt.toISOString(),
  durationMs: Date.now() - startedAt.getTime(),
  machine: `${os.cpus()[0]?.model.trim()}, ${os.platform()} ${os.arch()}`,
  cores: os.availableParallelism(),
  node: process.versions.node,
  sections: measured,
};
console.log(json ? JSON.stringify(report, undefined, 2) : reportText(report));
// The tables about a whole run stay as they are after a part of one.
const isWhole = only.length === sections.length;
const tables = reportTables(report).filter(({ id }) => isWhole || (id !== 'run' && id !== 'figures'));
if (fill) writeFileSync(fill, fillPlaces(readFileSync(fill, 'utf8'), tables));
if (Object.values(measured).some(({ failure }) => failure !== undefined)) process.exitCode = 1;

/** Measures one section; a failure ends no other. */
async function measure(section: Section, bench: Bench): Promise<MeasuredSection> {
  progress(section.what);
  try {
    const result = await section.measure(bench);
    return { result, load: os.loadavg()[0]! };
  } catch (error) {
    progress(`!!! ${section.name}: ${(error as Error).stack}`);
    return { failure: (error as Error).message, load: os.loadavg()[0]! };
  }
}
