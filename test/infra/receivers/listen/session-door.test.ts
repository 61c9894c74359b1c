import { expect, it } from 'vitest';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { openDoor } from '#infra/receivers/listen/session-door.ts';
import { testEvents } from '#infra/receivers/trigger/test-events.ts';

const [event] = testEvents({ type: 'transfer.failed', times: 1, isOutOfOrder: false, seed: 7, at: new Date() });

async function answerTo(events: readonly object[] | string) {
  const taken: EventResource[] = [];
  const door = await openDoor(async (one) => void taken.push(one));
  const body = typeof events === 'string' ? events : JSON.stringify({ events, isTwice: false });
  const { status } = await fetch(door.url, { method: 'POST', body });
  await door.close();
  return { status, taken };
}

it('a session takes events of trigger as they are', async () => {
  expect(await answerTo([event!])).toEqual({ status: 202, taken: [event] });
});

it.each([
  ['a line break', '\r\nX-Forged: 1'],
  ['a control character', '\u0001'],
  ['a letter beyond ASCII', 'ł'],
])('a session refuses an id with %s, which no header can have', async (_, odd) => {
  const id = event!.id.slice(0, -1) + odd;
  expect(await answerTo([{ ...event, id }])).toEqual({ status: 400, taken: [] });
});

it('a session refuses data that is nested too deep to be written again', async () => {
  const depth = 100_000;
  const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const body = JSON.stringify({ events: [event], isTwice: false }).replace('"data":{', `"data":{"odd":${nested},`);
  expect(await answerTo(body)).toEqual({ status: 400, taken: [] });
});
