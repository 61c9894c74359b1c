import { Command, InvalidArgumentError, Option } from 'commander';
import { assumptions } from '#test/bench/bill/assumptions.ts';
import { type Installation, installations, ordinary } from '#test/bench/bill/installations.ts';
import { measureUse } from '#test/bench/bill/measured-use.ts';
import { billsOf } from '#test/bench/bill/monthly-bill.ts';
import { type Region, regions } from '#test/bench/bill/prices.ts';
import { billText } from '#test/bench/bill/text.ts';
import { withServices } from '#test/bench/polls/polling.ts';
import { smallestMailbox } from '#test/bench/polls/polls.ts';

/** Settings of the installation: flag, description, least, greatest, and the usual value. */
const settings = [
  ['--watches <number>', 'watches of the installation', 1, 1_000_000, 1],
  ['--transfers <number>', 'transfers of each watch', smallestMailbox, 1_000_000, 1000],
  ['--active <per cent>', 'transfers that are active, of all', 1, 100, 100 * ordinary.activeShare],
  ['--every <minutes>', 'minutes between two polls of a watch', 1, 1440, ordinary.every],
  ['--full-listing-every <polls>', 'polls of which one lists all transfers', 1, 100, ordinary.fullListingEvery],
  ['--quiet-every <minutes>', 'the same of a watch without a change for an hour', 1, 1440, undefined],
  ['--pages-at-once <number>', 'requests to the server in flight in one shard', 1, 100, ordinary.pagesAtOnce],
  ['--latency <milliseconds>', 'until a page of the server has arrived', 1, 15_000, ordinary.pageLatency],
  ['--client-id <letters>', 'length of the client id', 50, 4000, ordinary.clientIdLength],
  ['--changes <number>', 'changes in a month, of each watch (default: one of each transfer)', 0, 1e9, undefined],
  ['--changing-hours <number>', 'hours of a month in which they happen', 1, 720, ordinary.changingHours],
  ['--together <number>', 'changes that one poll finds', 1, 100_000, ordinary.together],
  ['--endpoints <number>', 'endpoints that want every event', 0, 1000, ordinary.endpoints],
  ['--readers <number>', 'readers by e-mail, each of a part of the mailboxes', 0, 10_000, ordinary.readers],
] as const;

interface Options extends Omit<Installation, 'name' | 'activeShare' | 'pageLatency' | 'clientIdLength' | 'isAtOnce'> {
  /** Per cent. */
  readonly active: number;
  readonly latency: number;
  readonly clientId: number;
  readonly atOnce: boolean;
  readonly region: Region;
  readonly json: boolean;
}

const command = new Command('npm run bill --').description(
  'Calculates the charges of AWS for a month: for some installations, or for one that is described.',
);
for (const [flag, description, least, greatest, usual] of settings) {
  command.option(flag, description, whole(least, greatest), usual);
}
command
  .addOption(new Option('--region <name>', 'region of the lines').choices(regions).default('us-east-1'))
  .option('--at-once', 'send readers a message for each poll with changes, not a digest each day', false)
  .option('--json', 'print one JSON object instead of tables', false)
  .helpOption('-h, --help', 'show this help')
  .parse();
const options = command.opts<Options>();

/** True if an option says anything of an installation. */
const isDescribed = Object.keys(options).some(
  (name) => !['region', 'json'].includes(name) && command.getOptionValueSource(name) === 'cli',
);
const chosen = isDescribed ? [described(options)] : installations;
const sizes = [...new Set(chosen.map(({ transfers }) => transfers))];
await withServices(async (bench) => {
  console.error(`polling mailboxes of ${sizes.map((size) => size.toLocaleString('en-US')).join(' and ')} transfers`);
  const { shared, polls } = await measureUse(bench, sizes, options.active / 100);
  const bills = billsOf(chosen, shared, polls);
  const everything = { assumptions, ...shared, polls: Object.fromEntries(polls), bills };
  const text = () => billText(chosen, shared, polls, options.region, !isDescribed);
  console.log(options.json ? JSON.stringify(everything, undefined, 2) : text());
});

function described(one: Options): Installation {
  const { latency: pageLatency, clientId: clientIdLength, atOnce: isAtOnce, active, quietEvery, ...rest } = one;
  return {
    ...rest,
    name: 'described',
    activeShare: active / 100,
    pageLatency,
    clientIdLength,
    isAtOnce,
    changes: one.changes ?? one.transfers,
    ...(quietEvery !== undefined && { quietEvery }),
  };
}

function whole(least: number, greatest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= greatest) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${greatest}`);
  };
}
