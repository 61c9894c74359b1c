import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ServerCalls, type ServerOptions } from '#functions/cryptshare/api-calls.ts';
import { closedCircuit } from '#functions/cryptshare/circuit-breaker.ts';

/** Calls to a server whose answers are given by the test, in the order in which the requests have come. */
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
  /** Begins so many requests and waits until they have come. */
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

test('faults of requests that were under way at the same time count as one', async () => {
  const { calls, begin, answer } = await connect();
  const sent = await begin(4);
  for (let index = 0; index < 4; index += 1) answer(500);
  await Promise.all(sent);
  expect(calls.circuit.faults).toBe(1);
});

test('requests that were under way together count once whatever they ask for, and the longest rest that one asks for is kept', async () => {
  const { calls, time, begin, answer } = await connect();
  const sent = await begin(4);
  for (const [index, wish] of ['2', '50', '7', undefined].entries()) {
    answer(429, wish === undefined ? {} : { 'retry-after': wish });
    await sent[index];
  }
  expect(calls.circuit).toMatchObject({ faults: 1, openUntil: time + 50_000 });
});

test('faults of several mailboxes that came together are no matter of one of them', async () => {
  const { calls, begin, answer } = await connect();
  const sent = await begin(4);
  for (const each of sent) {
    answer(500);
    await each;
  }
  expect(calls.circuit).toMatchObject({ faults: 1 });
  expect(calls.circuit.mailbox).toBeUndefined();
});

test('a good answer to what was asked for before a fault does not make up for it', async () => {
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

test('a request that the end of the poll cut short says nothing about the server', async () => {
  const { calls, ask } = await connect();
  await expect(ask(100)).rejects.toMatchObject({ kind: 'timeout' });
  expect(calls.circuit).toEqual(closedCircuit);
});

test.each([
  { what: 'says nothing about a server that answers others', isThere: true, faults: 0 },
  { what: 'tells of a server that answers none, until that is left alone', isThere: false, faults: 6 },
])('a mailbox that hangs $what', async ({ isThere, faults }) => {
  const { calls, ask, begin, answer } = await connect({ maxConcurrentPages: 1, patience: 10 });
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

test('a mailbox whose answer drips and is cut off in favour of another hangs, and tells of no fault of the server', async () => {
  const { calls, ask, begin, answer, waiting } = await connect({ maxConcurrentPages: 1, patience: 10 });
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

test('what the server has dated is judged by its own clock where the one here is wrong', async () => {
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

test('what others know of the server does not make up for a rest that it has asked for here', async () => {
  const { calls, time, ask } = await connect();
  calls.restore({ faults: 1, openUntil: time + 60_000, cause: 'throttled' });
  calls.restore(closedCircuit);
  await expect(ask()).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 60_000 });
});

describe('with many requests under way at the same time', () => {
  const large = 'x'.repeat(3_000_000);

  test('they are fewer until the size of the answers is known, so that all of them fit in memory', async () => {
    const { ask, begin, answerNext, waiting } = await connect({ maxConcurrentPages: 100 });
    const sent = Array.from({ length: 40 }, () => ask());
    await expect.poll(() => waiting.length, { interval: 5 }).toBe(4);
    await Promise.all([...sent, ...sent.map(() => answerNext())]);
    const many = await begin(100);
    await Promise.all([...many, ...many.map(() => answerNext())]);
  });

  test('an answer larger than its share is asked for once more, with more room, but what posts something is not', async () => {
    const { ask, answerNext } = await connect({ maxConcurrentPages: 100 });
    for (let index = 0; index < 40; index += 1) await Promise.all([ask(), answerNext()]);
    const [posted] = await Promise.all([ask(60_000, {}), answerNext(large)]);
    expect(posted.body).toBe(large);
    for (let index = 0; index < 40; index += 1) await Promise.all([ask(), answerNext()]);
    const [asked] = await Promise.all([ask(), answerNext(large), answerNext(large)]);
    expect(asked.body).toBe(large);
  });
});
