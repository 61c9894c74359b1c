import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ServerCalls, type ServerOptions } from '#functions/cryptshare/api-calls.ts';
import { closedCircuit } from '#functions/cryptshare/circuit-breaker.ts';

/** Calls to a server that answers as the test says, in the order of requests. */
async function connect(options: Partial<ServerOptions> = {}) {
  const waiting: http.ServerResponse[] = [];
  const server = http.createServer((_, response) => {
    waiting.push(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const time = Date.now();
  const calls = new ServerCalls({
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId: 'exampleclientid'.repeat(4),
    maxConcurrentPages: 4,
    now: () => new Date(time),
    steady: () => time,
    random: () => 0,
    sleep: async () => undefined,
    ...options,
  });
  onTestFinished(() => {
    calls.close();
    server.closeAllConnections();
    server.close();
  });
  let asked = 0;
  const ask = (budget = 60_000, body?: object) => {
    asked += 1;
    const call = { path: '/transfers', mailbox: `m${asked}@example.com`, minimumMinor: 12, body };
    return calls.send(call, time + budget);
  };
  /** Begins requests, and waits until they have arrived. */
  const begin = async (count: number) => {
    const sent = Array.from({ length: count }, () => ask());
    await expect.poll(() => waiting.length).toBe(count);
    return sent;
  };
  const answer = (status: number, headers = {}, body = '{}') => waiting.shift()!.writeHead(status, headers).end(body);
  /** Waits for a request and answers it. */
  const answerNext = async (body?: string) => {
    while (waiting.length === 0) await new Promise(setImmediate);
    answer(200, {}, body);
  };
  return { calls, time, ask, begin, answer, answerNext, waiting };
}

describe('ServerCalls', () => {
  it('counts faults of requests in flight together as one, of no single mailbox, and keeps the longest rest', async () => {
    const { calls, time, begin, answer } = await connect();
    const sent = await begin(4);
    for (const [index, wish] of ['2', '50', '7', undefined].entries()) {
      answer(429, wish === undefined ? {} : { 'retry-after': wish });
      await sent[index];
    }
    expect(calls.circuit).toMatchObject({ faults: 1, openUntil: time + 50_000 });
    expect(calls.circuit.mailbox).toBeUndefined();
  });

  it('ends a row of faults by the answer to a later request, not to an earlier one', async () => {
    const { calls, begin, answer } = await connect();
    const [failing, slow] = await begin(2);
    answer(500);
    await failing;
    answer(200);
    await slow;
    expect(calls.circuit.faults).toBe(1);
    const [later] = await begin(1);
    answer(200);
    await later;
    expect(calls.circuit.faults).toBe(0);
  });

  it('counts no fault when the deadline of the poll ends a request', async () => {
    const { calls, ask } = await connect();
    await expect(ask(100)).rejects.toMatchObject({ kind: 'timeout' });
    expect(calls.circuit).toEqual(closedCircuit);
  });

  it.each([
    { when: 'while the server answers others', isThere: true, faults: 0 },
    { when: 'while the server answers none', isThere: false, faults: 6 },
  ])('counts $faults faults when mailboxes hang $when', async ({ isThere, faults }) => {
    const { calls, ask, begin, answer } = await connect({ maxConcurrentPages: 1, shortestOverdueMs: 10 });
    if (isThere) {
      const [first] = await begin(1);
      answer(200);
      await first;
    }
    // Each is cut off in favour of the next.
    const hanging = Array.from({ length: 9 }, () => ask().catch((error: Error) => error));
    expect(await Promise.all(hanging.slice(0, 8))).toMatchObject(Array(8).fill({ kind: 'timeout' }));
    expect(calls.circuit.faults).toBe(faults);
  });

  it('counts no fault when an answer drips and is cut off in favour of another', async () => {
    const { calls, ask, begin, answer, waiting } = await connect({ maxConcurrentPages: 1, shortestOverdueMs: 10 });
    const [first] = await begin(1);
    answer(200);
    await first;
    const dripping = ask().catch((error: Error) => error);
    await expect.poll(() => waiting.length).toBe(1);
    waiting.shift()!.writeHead(200).write('{"data":[');
    const other = ask();
    expect(await dripping).toMatchObject({ kind: 'timeout' });
    await expect.poll(() => waiting.length).toBe(1);
    answer(200);
    await other;
    expect(calls.circuit.faults).toBe(0);
  });

  it('knows the time of the server from its answers', async () => {
    const { calls, time, begin, answer } = await connect();
    const theirs = time - (time % 1000) - 3_600_000;
    const [asked] = await begin(1);
    answer(200, { date: new Date(theirs).toUTCString() });
    await asked;
    expect(calls.serverTime()).toEqual(new Date(theirs));
    const [again] = await begin(1);
    answer(200, { date: new Date(time).toUTCString() });
    await again;
    expect(calls.serverTime()).toEqual(new Date(time));
  });

  it('keeps its own rest when another process has a closed circuit', async () => {
    const { calls, time, ask } = await connect();
    calls.restore({ faults: 1, openUntil: time + 60_000, cause: 'throttled' });
    calls.restore(closedCircuit);
    await expect(ask()).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 60_000 });
  });

  const large = 'x'.repeat(3_000_000);

  it('has four in flight until it knows the size of the answers', async () => {
    const { ask, begin, answerNext, waiting } = await connect({ maxConcurrentPages: 100 });
    const sent = Array.from({ length: 40 }, () => ask());
    await expect.poll(() => waiting.length, { interval: 5 }).toBe(4);
    await Promise.all([...sent, ...sent.map(() => answerNext())]);
    const many = await begin(100);
    await Promise.all([...many, ...many.map(() => answerNext())]);
  });

  it('repeats a request whose answer outgrew its room, but no POST', async () => {
    const { ask, answerNext } = await connect({ maxConcurrentPages: 100 });
    for (let index = 0; index < 40; index += 1) await Promise.all([ask(), answerNext()]);
    const [posted] = await Promise.all([ask(60_000, {}), answerNext(large)]);
    expect(posted.body).toBe(large);
    for (let index = 0; index < 40; index += 1) await Promise.all([ask(), answerNext()]);
    const [asked] = await Promise.all([ask(), answerNext(large), answerNext(large)]);
    expect(asked.body).toBe(large);
  });
});
