import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '#infra/simulator/faults.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import {
  declare,
  deps,
  hour,
  minute,
  now,
  poll,
  pollAfter,
  pollWith,
  registry,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(async () => {
  const end = await startShards();
  pollWith({ server: world.client(), schedule: { ...deps.schedule, pollIntervalMs: minute } });
  return end;
});

/** Ticks once a minute. Returns the number of requests of each tick. */
async function requestsOf(minutes: number): Promise<number[]> {
  const requests: number[] = [];
  for (let tick = 0; tick < minutes; tick += 1) {
    world.cryptshare.requests.reset();
    await pollAfter(minute);
    requests.push(world.cryptshare.requests.total);
  }
  return requests;
}
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const failWith = (answer: Fault['answer'], times = 10_000, path = '') =>
  world.cryptshare.faults.inject({ path, times, answer });

describe('pollShard on a failing server', () => {
  it('sends nothing, in any process, for the time that the server asked one of them to wait', async () => {
    await declare(1);
    failWith(faultAnswers.tooManyRequests('300'), 1);
    expect((await poll({ at: now() })).polls).toMatchObject([{ problem: { cause: 'throttled' } }]);
    pollWith({ server: world.client() });
    expect(await requestsOf(5)).toEqual([0, 0, 0, 0, expect.any(Number)]);
    expect(world.cryptshare.requests.total).toBeGreaterThan(0);
  });

  it('sends the requests of another server though the one before is to be left alone', async () => {
    await declare(1);
    failWith(faultAnswers.tooManyRequests('3000'), 1);
    await poll({ at: now() });
    const elsewhere = { ...deps, server: world.client(), origin: 'https://other.example.com' };
    expect((await pollAfter(minute, { as: elsewhere })).polls).toMatchObject([{ requests: 1 }]);
    elsewhere.server.calls.close();
  });

  it('sends ever fewer requests while the server fails, and polls all watches once it answers', async () => {
    await declare(4);
    await pollAfter(15_000);
    failWith(faultAnswers.serverError);
    const requests = await requestsOf(30);
    // Without a circuit breaker each of 4 watches would send 3 a minute.
    expect(sum(requests)).toBeLessThan(30);
    expect(sum(requests.slice(-10))).toBeGreaterThan(0);

    world.cryptshare.faults.clear();
    expect((await pollAfter(15 * minute)).polls).toHaveLength(4);
    expect((await pollAfter(minute)).polls).toMatchObject(Array(4).fill({ outcome: 'unchanged', problem: undefined }));
  });

  it('polls the other mailboxes in their intervals though one that is polled more often fails since an outage', async () => {
    const [broken, ...others] = await declare(6, { pollIntervalMs: hour });
    await registry().configure(broken!, { pollIntervalMs: minute }, now());
    await pollAfter(15_000);
    failWith(faultAnswers.serverError);
    await requestsOf(30);
    world.cryptshare.faults.clear();
    failWith(faultAnswers.serverError, 10_000, encodeURIComponent(broken!.mailbox));
    // By then the circuit that was open for all mailboxes has closed.
    await requestsOf(5);
    const outcomes: string[] = [];
    for (let tick = 0; tick < 60; tick += 1) {
      const { polls } = await pollAfter(minute);
      outcomes.push(...polls.filter(({ watch }) => watch.mailbox !== broken!.mailbox).map(({ outcome }) => outcome));
    }
    expect(new Set(outcomes)).toEqual(new Set(['unchanged']));
    expect(outcomes.length).toBeGreaterThanOrEqual(others.length);
  });
});
