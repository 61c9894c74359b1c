import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { beforeAll, describe, expect, it } from 'vitest';
import type { WatchPoll } from '#functions/poll/poll-shard.ts';
import { reportShard, watchName } from '#functions/poll/report.ts';
import { Watches } from '#functions/watches/watches.ts';
import { childEnvironment } from '#test/support/child-process.ts';
import { clientId, startWorld, table, token, type World } from '#test/support/poll-world.ts';

const poll: WatchPoll = {
  watch: { mailbox: 'alice@example.com', direction: 'sent' },
  outcome: 'unchanged',
  scope: 'all',
  isComplete: true,
  pages: 3,
  requests: 3,
  transfers: 250,
  changed: 0,
  published: 0,
  units: { read: 1, write: 0 },
  problem: undefined,
  durationMs: 20,
  sinceCompleteMs: 0,
};
const problem = { cause: 'timeout', message: 'no answer' };

describe('reportShard', () => {
  const measured = (polls: readonly WatchPoll[], skipped = 0) => {
    const metrics = new Metrics({ namespace: 'TransferNotifier', serviceName: 'transfer-notifier' });
    reportShard(new Logger({ logLevel: 'SILENT' }), metrics, { polls, skipped });
    return metrics.serializeMetrics();
  };

  it('measures the longest time without a complete listing, in seconds', () => {
    const polls = [poll, { ...poll, problem, sinceCompleteMs: 90_000 }, { ...poll, problem, sinceCompleteMs: 30_000 }];
    expect(measured(polls)).toMatchObject({ SecondsSinceCompleteListing: 90 });
  });

  it('counts a watch as failing from the event about it until its recovery', () => {
    const health = { failingSince: '2026-11-24T00:00:00.000Z', failures: 3, problem, isAnnounced: true };
    const known = { ...poll.watch, health };
    const untold = { ...poll.watch, health: { ...health, failures: 2, isAnnounced: false } };
    const failing = [
      { ...poll, problem, watch: known },
      { ...poll, problem, watch: untold },
    ];
    expect(measured(failing)).toMatchObject({ WatchesFailing: 1 });
    expect(measured([{ ...poll, watch: known }])).not.toHaveProperty('WatchesFailing');
  });

  it('adds up the figures of all polls', () => {
    const polls = [poll, { ...poll, published: 2 }, { ...poll, isComplete: false }];
    expect(measured(polls, 4)).toMatchObject({ WatchesSkipped: 4, EventsPublished: 2, CompleteListings: 2 });
  });

  const namesOf = ({ _aws: { CloudWatchMetrics } }: ReturnType<typeof measured>) =>
    CloudWatchMetrics.flatMap(({ Metrics: list }) => list.map(({ Name }) => Name));

  it('sends no metric of zero', () => {
    expect(namesOf(measured([poll]))).toEqual(['CompleteListings']);
    expect(namesOf(measured([]))).toEqual([]);
    expect(namesOf(measured([], 3))).toEqual(['WatchesSkipped']);
  });

  it('uses no dimension but the service', () => {
    const [{ Dimensions } = { Dimensions: [] }] = measured([poll])._aws.CloudWatchMetrics;
    expect(Dimensions).toEqual([['service']]);
    expect(JSON.stringify(measured([poll]))).not.toContain('alice');
  });
});

describe('watchName', () => {
  it('is stable, and does not contain the mailbox', () => {
    const name = watchName(poll.watch);
    expect(name).toMatch(/^sent-[0-9a-f]{10}$/);
    expect(watchName({ ...poll.watch })).toBe(name);
    expect(watchName({ ...poll.watch, mailbox: 'bob@example.com' })).not.toBe(name);
    expect(watchName({ ...poll.watch, direction: 'received' })).toMatch(/^received-/);
  });
});

describe('the output of the poll function', () => {
  let output: string;
  let lines: Record<string, unknown>[];
  const trackingIds: string[] = [];

  beforeAll(async () => {
    const world = await startWorld();
    const { transfers } = world.cryptshare;
    const well = world.watch('alice@example.com');
    const seeded = transfers.seed({ sender: well.mailbox, to: ['bob@example.com'], count: 150, state: 'ACTIVE' });
    trackingIds.push(...seeded.map(({ trackingId }) => trackingId));
    await world.poll(well);
    transfers.setState(trackingIds[0]!, 'FAILED');
    const quiet = world.watch('dave@example.com');
    await world.poll(quiet);
    const broken = { mailbox: 'carol@example.com', direction: 'sent' } as const;
    await new Watches(world.deps.dynamo, table).declare([well, broken, quiet], false, world.clock.now().toISOString());
    world.cryptshare.verifications.registerClientId(clientId);
    const body = JSON.stringify({ errorCode: 3001, errorMessage: 'not licensed' });
    const answer = { kind: 'response', status: 403, body } as const;
    world.cryptshare.faults.inject({ path: encodeURIComponent(broken.mailbox), times: 9, answer });
    output = await invoke(world);
    const printed = output.split('\n').filter((line) => line.startsWith('{'));
    lines = printed.map((line) => JSON.parse(line));
    return () => world.close();
  });

  const lineOf = (mailbox: string) => lines.find((line) => line.watch === watchName({ mailbox, direction: 'sent' }));

  it('has one line for each watch with changes, with figures', () => {
    expect(lines.filter(({ message }) => message === 'poll')).toHaveLength(2);
    expect(lineOf('alice@example.com')).toMatchObject({
      level: 'INFO',
      outcome: 'changed',
      pages: 2,
      transfers: 150,
      changed: 1,
      published: 1,
      durationMs: expect.any(Number),
      readUnits: expect.any(Number),
      writeUnits: expect.any(Number),
    });
    expect(lineOf('alice@example.com')?.writeUnits).toBeGreaterThan(0);
  });

  it('has one line for the tick, which counts the polls without changes, and no other line for these', () => {
    const ticks = lines.filter(({ message }) => message === 'tick');
    const figures = { polls: 3, unchanged: 1, withProblem: 1, skipped: 0, transfers: 150, published: 1 };
    expect(ticks).toEqual([expect.objectContaining({ level: 'INFO', ...figures, longestMs: expect.any(Number) })]);
    expect(lineOf('dave@example.com')).toBeUndefined();
  });

  it('has a warning for a failing watch, with cause and remedy', () => {
    expect(lineOf('carol@example.com')).toMatchObject({
      level: 'WARN',
      outcome: 'failed',
      cause: 'not_licensed',
      problem: expect.stringContaining('license the REST API'),
    });
  });

  it('has the metrics of the shard, once', () => {
    const metrics = lines.filter((line) => '_aws' in line);
    expect(metrics).toHaveLength(1);
    expect(metrics[0]).toMatchObject({
      service: 'transfer-notifier',
      CompleteListings: 2,
      EventsPublished: 1,
    });
  });

  it('contains no address, no tracking id and no secret', () => {
    for (const secret of ['alice', 'bob', 'carol', 'example.com', token, clientId, ...trackingIds]) {
      expect(output).not.toContain(secret);
    }
  });
});

/** Runs the entry point of the poll function once, in a process of its own, and returns what it prints. */
async function invoke({ deps, cryptshare, sdkEnvironment }: World): Promise<string> {
  const entry = pathToFileURL('functions/poll/poll.lambda.ts').href;
  const script = `
    const { handler } = await import(${JSON.stringify(entry)});
    await handler({ shard: 0, at: '2026-11-24T00:00:00Z' }, { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'r-1' });
    process.exit();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...childEnvironment,
      ...sdkEnvironment,
      CRYPTSHARE_URL: cryptshare.url,
      CRYPTSHARE_CLIENT_ID: clientId,
      DATA_KEY: Buffer.alloc(32).toString('base64'),
      MAX_CONCURRENT_PAGES: '4',
      SHARDS: '1',
      POLL_INTERVAL_MS: '60000',
      FULL_LISTING_EVERY: '1',
      TRANSFER_RETENTION_DAYS: '30',
      TRANSFERS_TABLE: table,
      TRANSFER_EVENTS_TOPIC_ARN: deps.topic.eventsTopicArn,
    },
  });
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`the function ended with ${code}: ${errors}`);
  return out + errors;
}
