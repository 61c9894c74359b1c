import { Command, InvalidArgumentError } from 'commander';
import { assumptions } from '#test/bench/bill/assumptions.ts';
import { type Installation, installations, ordinary } from '#test/bench/bill/installations.ts';
import { measureUse } from '#test/bench/bill/measured-use.ts';
import { billsOf } from '#test/bench/bill/monthly-bill.ts';
import { type Region, regions } from '#test/bench/bill/prices.ts';
import { billText } from '#test/bench/bill/text.ts';
import { pollDependencies } from '#test/bench/polls/polling.ts';
import { smallestMailbox } from '#test/bench/polls/polls.ts';
import { startServices } from '#test/bench/processes/services.ts';

interface Options extends Omit<Installation, 'name' | 'watches' | 'activeShare' | 'pageLatency' | 'clientIdLength'> {
  readonly watches?: number;
  /** Per cent. */
  readonly active: number;
  readonly latency: number;
  readonly clientId: number;
  readonly region: Region;
  readonly json: boolean;
}

const options = new Command('node test/bench/bill.ts')
  .description('Calculates the charges of AWS for a month: for some installations, or for one that is described.')
  .option('--watches <number>', 'watches of the installation', whole(1, 1_000_000))
  .option('--transfers <number>', 'transfers of each watch', whole(smallestMailbox, 1_000_000), 1000)
  .option('--active <per cent>', 'transfers that are active, of all', whole(1, 100), 100 * ordinary.activeShare)
  .option('--every <minutes>', 'minutes between two polls of a watch', whole(1, 1440), ordinary.every)
  .option(
    '--full-listing-every <polls>',
    'one of this number of polls lists all transfers',
    whole(1, 100),
    ordinary.fullListingEvery,
  )
  .option('--quiet-every <minutes>', 'the same of a watch without a change for an hour', whole(1, 1440))
  .option(
    '--pages-at-once <number>',
    'requests to the server in flight in one shard',
    whole(1, 100),
    ordinary.pagesAtOnce,
  )
  .option('--latency <milliseconds>', 'until a page of the server has arrived', whole(1, 15_000), ordinary.pageLatency)
  .option('--client-id <letters>', 'length of the client id', whole(50, 4000), ordinary.clientIdLength)
  .option('--changes <number>', 'changes in a month, of each watch (default: one of each transfer)', whole(0, 1e9))
  .option('--changing-hours <number>', 'hours of a month in which they happen', whole(1, 720), ordinary.changingHours)
  .option('--together <number>', 'changes that one poll finds', whole(1, 100_000), ordinary.together)
  .option('--endpoints <number>', 'endpoints that want every event', whole(0, 1000), ordinary.endpoints)
  .option('--chats <number>', 'chats that want every notice', whole(0, 1000), ordinary.chats)
  .option('--emails <number>', 'notices in a month that go out by e-mail', whole(0, 1e9), 0)
  .option('--region <name>', `region of the lines: ${regions.join(', ')}`, region, 'us-east-1')
  .option('--json', 'print one JSON object instead of tables', false)
  .helpOption('-h, --help', 'show this help')
  .parse()
  .opts<Options>();

const chosen = options.watches === undefined ? installations : [described(options, options.watches)];
const sizes = [...new Set(chosen.map(({ transfers }) => transfers))];
const services = await startServices();
const deps = await pollDependencies(services.addresses);
try {
  console.error(`polling mailboxes of ${sizes.map((size) => size.toLocaleString('en-US')).join(' and ')} transfers`);
  const { shared, polls } = await measureUse({ services, deps }, sizes, options.active / 100);
  const everything = {
    assumptions,
    ...shared,
    polls: Object.fromEntries(polls),
    bills: billsOf(chosen, shared, polls),
  };
  console.log(
    options.json
      ? JSON.stringify(everything, undefined, 2)
      : billText(chosen, shared, polls, options.region, options.watches === undefined),
  );
} finally {
  deps.server.close();
  deps.dynamo.destroy();
  deps.topics.sns.destroy();
  await services.stop();
}

function described(one: Options, watches: number): Installation {
  const { latency: pageLatency, clientId: clientIdLength, changes = one.transfers, active, quietEvery, ...rest } = one;
  return {
    ...rest,
    name: 'described',
    watches,
    activeShare: active / 100,
    pageLatency,
    clientIdLength,
    changes,
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

function region(text: string): Region {
  const known = regions.find((one) => one === text);
  if (known) return known;
  throw new InvalidArgumentError(`expected one of ${regions.join(', ')}`);
}
