import { createHash } from 'node:crypto';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import type { TokenSource } from '#functions/cryptshare/tokens.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { type PollDependencies, pollRepositories } from '#functions/poll/dependencies.ts';
import { pollShard } from '#functions/poll/poll-shard.ts';
import { followable } from '#functions/transfers/follow.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import type { Happening } from '#infra/simulator/lives/history.ts';
import { HistoryPlayer } from '#infra/simulator/lives/player.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { dayMs, type Switches } from '#infra/simulator/switches.ts';
import { startTwinServices } from './twin-services.ts';

const minuteMs = 60_000;

/** Polls while nothing happens: time alone makes a transfer overdue. */
const longestPauseMs = 60 * minuteMs;

/** Minutes of polls after a transfer leaves the listing or comes back, which takes several polls to be believed. */
const doubtMs = 5 * minuteMs;

/** Milliseconds of the twin's time for one poll: as long as on AWS. */
const pollTimeoutMs = 120_000;

/** Origin in every id: the port of the simulated server differs from start to start. */
const origin = 'https://twin.example.com';

const clientId = 'twinClientId'.padEnd(50, '0');
const token = 'twin-token';

export interface TwinOptions {
  /** Seed of identifiers: the same seed and history give the same events, byte by byte. */
  readonly seed: number;
  /** Happenings in the order of time. */
  readonly history: Iterable<Happening>;
  /** Watches to poll. */
  readonly watches: readonly Watch[];
  /** Unix milliseconds at which the twin's time begins and ends. */
  readonly from: number;
  readonly until: number;
  /** @default - see `defaultSwitches` */
  readonly switches?: Partial<Switches> | undefined;
}

/** Events that one poll has announced. */
export interface TwinPoll {
  /** Twin's time in Unix milliseconds. */
  readonly at: number;
  readonly events: readonly EventResource[];
  /** Failures of its watches in words. The engine tells one that lasts by events of its own. */
  readonly problems: readonly string[];
}

/** A simulated server with the notifier's engine beside it, in a time of their own. */
export interface Twin {
  readonly server: CryptshareServer;
  /** Polls minute by minute in which something happens, at least once an hour, as fast as the taker asks. */
  polls(): AsyncGenerator<TwinPoll>;
  close(): Promise<void>;
}

/** Time that passes when it is told to. */
class TwinClock {
  private at: number;

  constructor(at: number) {
    this.at = at;
  }

  readonly now = (): Date => new Date(this.at);
  readonly steady = (): number => this.at;

  moveTo(at: number): void {
    this.at = Math.max(this.at, at);
  }
}

/** Starts a twin, which announces what happens after its first poll. */
export async function startTwin({ seed, history, watches, from, until, switches }: TwinOptions): Promise<Twin> {
  const clock = new TwinClock(from);
  const services = await startTwinServices();
  const server = await startCryptshareServer({
    ...{ now: clock.now, seed },
    // A history may be silent for longer than a token holds, and change what is final.
    switches: { idleTermMs: 10_000 * dayMs, finalStatesChange: true, ...switches },
  });
  const player = new HistoryPlayer(server, history);
  for (const { mailbox } of watches) server.verifications.grantToken({ mailbox, clientId }, token);
  const calls = new ServerCalls({
    ...{ origin: server.url, clientId, maxConcurrentPages: 4, now: clock.now, steady: clock.steady },
    random: () => 0.5,
    sleep: async (milliseconds) => clock.moveTo(clock.steady() + milliseconds),
  });
  const dataKey = new DataKey(createHash('sha256').update(`twin ${seed}`).digest('base64'));
  const tokens: TokenSource = {
    tokenFor: async () => token,
    accepted: () => {},
    reject: async (_, { failure }) => failure,
  };
  const deps: PollDependencies = {
    ...pollRepositories(services.source, 4),
    server: new CryptshareClient(calls, tokens),
    tokens: { cachedVerification: () => undefined, forgive: () => {} },
    origin,
    topic: { sns: services.sns, eventsTopicArn: services.eventsTopicArn, sleep: async () => {} },
    recipientKey: (...text) => dataKey.hashOf(...text),
    schedule: { shards: 1, pollIntervalMs: minuteMs, fullListingEvery: 1 },
    now: clock.now,
    steady: clock.steady,
  };
  const wanted = watches.map((watch) => ({ ...watch, follow: [...followable] }));
  await new Watches(services.source).declare(wanted, false, clock.now().toISOString(), true);

  /** True after a poll with a problem, whose end the next poll tells. */
  let hadProblem = false;

  async function poll(): Promise<TwinPoll> {
    const at = clock.steady();
    const tick = { shard: 0, at: new Date(at).toISOString() };
    const { polls } = await pollShard(deps, tick, at + pollTimeoutMs, () => {});
    const problems = polls.flatMap(({ problem }) => problem?.message ?? []);
    const hasNews = polls.some(({ outcome, problem }) => outcome !== 'unchanged' || problem) || hadProblem;
    hadProblem = problems.length > 0;
    // A look into the queue costs as much as a poll that finds nothing.
    const bodies = hasNews ? await services.takeBodies() : [];
    const events = bodies.map((body) => JSON.parse(body) as EventResource);
    return { at, events: events.toSorted(inOrder), problems };
  }

  return {
    server,
    async *polls() {
      yield await poll();
      let doubtUntil = 0;
      let cleanAt = from + dayMs;
      for (let last = clock.steady(); last < until; last = clock.steady()) {
        const pause = last < doubtUntil ? minuteMs : longestPauseMs;
        const due = Math.min(player.nextAt ?? until, last + pause, until);
        const tick = Math.max(last + minuteMs, Math.ceil(due / minuteMs) * minuteMs);
        while (player.nextAt !== undefined && player.nextAt <= tick) {
          clock.moveTo(player.nextAt);
          const played = player.play();
          if (played === 'unlisted' || played === 'listed') doubtUntil = tick + doubtMs;
        }
        clock.moveTo(tick);
        if (tick >= cleanAt) {
          await services.deleteExpired(tick);
          cleanAt = tick + dayMs;
        }
        yield await poll();
      }
    },
    async close() {
      calls.close();
      await server.close();
      await services.close();
    },
  };
}

/** Puts the events of one poll in an order that is the same each time: those of a transfer by their sequence. */
function inOrder(one: EventResource, other: EventResource): number {
  const [first, second] = [one, other].map(({ data }) => Number(data.sequence ?? 0)) as [number, number];
  return first - second || (one.id < other.id ? -1 : 1);
}
