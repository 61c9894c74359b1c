import { Command, InvalidArgumentError } from 'commander';
import { notifier } from './approach-notifier.ts';
import { billLineTable, billTable, networkTable } from './bill-tables.ts';
import { synthesiseStack } from './deployed-stack.ts';
import { billsOf, installations, measureBillInputs } from './installation-bills.ts';
import type { Installation } from './monthly-use.ts';
import { pollDependencies } from './polling.ts';
import { type Region, regions } from './prices.ts';
import { baseline, measureScenarios, oneChange, type PollCost, smallestMailbox, unchanged } from './scenarios.ts';
import { Services } from './services.ts';

interface Options {
  readonly watches?: number;
  readonly transfers: number;
  readonly every: number;
  readonly pagesAtOnce: number;
  readonly latency: number;
  readonly changes?: number;
  readonly endpoints: number;
  readonly emails: number;
  readonly region: Region;
  readonly json: boolean;
}

const options = new Command('node test/bench/bill.ts')
  .description('Reckons what AWS charges for a month: for three installations, or for one that is described.')
  .option('--watches <number>', 'watches of the installation', whole(1, 1_000_000))
  .option('--transfers <number>', 'transfers of each watch', whole(smallestMailbox, 1_000_000), 1000)
  .option('--every <minutes>', 'minutes between two polls of a watch', whole(1, 1440), 1)
  .option('--pages-at-once <number>', 'requests to the server at the same time, in one shard', whole(1, 32), 4)
  .option('--latency <milliseconds>', 'until a page of the server has arrived', whole(1, 15_000), 100)
  .option('--changes <number>', 'changes in a month, of each watch (default: one of each transfer)', whole(0, 1e9))
  .option('--endpoints <number>', 'endpoints that want every event', whole(0, 1000), 1)
  .option('--emails <number>', 'notices in a month that go out by e-mail', whole(0, 1e9), 0)
  .option('--region <name>', `region of the lines: ${Object.keys(regions).join(', ')}`, region, 'us-east-1')
  .option('--json', 'print one JSON object instead of tables', false)
  .helpOption('-h, --help', 'show this help')
  .parse()
  .opts<Options>();

const chosen = options.watches === undefined ? installations : [described(options, options.watches)];
const { deployed, remove } = synthesiseStack(false);
remove();
const services = await Services.start();
const deps = await pollDependencies(services.addresses);
try {
  const polls: PollCost[] = [];
  for (const transfers of new Set(chosen.map((one) => one.transfers))) {
    console.error(`polling ${transfers.toLocaleString('en-US')} transfers`);
    const mailbox = `alice.${transfers}@example.com`;
    const scenarios = [baseline, unchanged, oneChange];
    polls.push(...(await measureScenarios(services, notifier(deps), mailbox, transfers, scenarios)));
  }
  const inputs = await measureBillInputs(services.addresses, deps, deployed);
  const bills = billsOf(chosen, polls, inputs);
  const lines = bills.map(
    (one) => `${one.installation.name}, ${options.region}\n\n${billLineTable(one, options.region)}`,
  );
  console.log(
    options.json
      ? JSON.stringify({ ...inputs, bills }, undefined, 2)
      : [billTable(bills), ...lines, `A private network\n\n${networkTable(bills)}`].join('\n\n'),
  );
} finally {
  deps.server.close();
  deps.dynamo.destroy();
  deps.topics.sns.destroy();
  await services.stop();
}

function described(one: Options, watches: number): Installation {
  const { transfers, every, pagesAtOnce, latency: pageLatency, changes = transfers, endpoints, emails } = one;
  return { name: 'described', watches, transfers, every, pagesAtOnce, pageLatency, changes, endpoints, emails };
}

function whole(least: number, greatest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= greatest) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${greatest}`);
  };
}

function region(text: string): Region {
  if (text in regions) return text as Region;
  throw new InvalidArgumentError(`expected one of ${Object.keys(regions).join(', ')}`);
}
