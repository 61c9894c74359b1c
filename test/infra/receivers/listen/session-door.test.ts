import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { openDoor } from '#infra/receivers/listen/session-door.ts';
import { testEvents } from '#infra/receivers/trigger/test-events.ts';

const made = { times: 1, isOutOfOrder: false, seed: 7, at: new Date() };
const [event] = testEvents({ type: 'transfer.failed', ...made });

async function doorOf(take: (event: EventResource) => Promise<void>, onFault?: () => void) {
  const door = await openDoor(take, onFault);
  onTestFinished(() => door.close());
  // The next test has the same port: no connection may be left to this one.
  const headers = { connection: 'close' };
  const post = (body: unknown) =>
    fetch(door.url, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { url: door.url, post, hand: (...events: unknown[]) => post({ events, isTwice: false }) };
}

async function answerTo(body: readonly object[] | string) {
  const taken: EventResource[] = [];
  const { post } = await doorOf(async (one) => void taken.push(one));
  const { status } = await post(typeof body === 'string' ? body : { events: body, isTwice: false });
  return { status, taken };
}

describe('a session', () => {
  it('takes events of trigger as they are', async () => {
    expect(await answerTo([event!])).toEqual({ status: 202, taken: [event] });
  });

  it('takes as many and as long events of any type as trigger makes', async () => {
    const long = {
      mailbox: `${'m'.repeat(60)}@${`${'d'.repeat(59)}.`.repeat(3)}example.com`,
      trackingId: 'T'.repeat(200),
    };
    for (const type of eventTypes) {
      const events = testEvents({ ...made, ...long, type, times: 1000 });
      expect(await answerTo(events), type).toMatchObject({ status: 202 });
    }
  });

  it.each([
    ['a line break', '\r\nX-Forged: 1'],
    ['a control character', '\u0001'],
    ['a letter beyond ASCII', 'ł'],
  ])('refuses an id with %s, which no header can have', async (_, odd) => {
    const id = event!.id.slice(0, -1) + odd;
    expect(await answerTo([{ ...event, id }])).toEqual({ status: 400, taken: [] });
  });

  it('refuses data that is nested too deep to be written again', async () => {
    const depth = 100_000;
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const body = JSON.stringify({ events: [event], isTwice: false }).replace('"data":{', `"data":{"odd":${nested},`);
    expect(await answerTo(body)).toEqual({ status: 400, taken: [] });
  });

  it('refuses more events than trigger makes, and none', async () => {
    expect(await answerTo(Array.from({ length: 1001 }, () => event!))).toEqual({ status: 400, taken: [] });
    expect(await answerTo([])).toEqual({ status: 400, taken: [] });
  });

  it('answers at once, however long a receiver takes, and until then refuses others with what to do', async () => {
    const turn = Promise.withResolvers<void>();
    const { hand } = await doorOf(() => turn.promise);
    const first = await hand(event);
    expect([first.status, await first.json()]).toEqual([202, { taken: 1 }]);
    const second = await hand(event);
    expect([second.status, await second.json()]).toEqual([
      409,
      { detail: expect.stringMatching(/not forwarded yet: try again/) },
    ]);
    turn.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect((await hand(event, event)).status).toBe(202);
  });

  it('says nothing of a request that is broken off, and goes on', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => said.mockRestore());
    const { url, hand } = await doorOf(async () => {});
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{');
    await once(socket, 'connect');
    expect((await hand(event)).status).toBe(202);
    socket.resetAndDestroy();
    await once(socket, 'close');
    expect((await hand(event)).status).toBeLessThan(500);
    expect(said.mock.calls).toEqual([]);
  });

  it('passes on a fault in forwarding, and goes on', async () => {
    const fault = Promise.withResolvers<void>();
    const { hand } = await doorOf(() => Promise.reject(new Error('broken here')), fault.resolve);
    expect((await hand(event)).status).toBe(202);
    await fault.promise;
    expect((await hand(event)).status).toBe(202);
  });
});

it('two sessions at once have an address each', async () => {
  const doors = [await openDoor(async () => {}), await openDoor(async () => {})];
  for (const door of doors) await door.close();
  expect(new Set(doors.map(({ url }) => url)).size).toBe(2);
});
