import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { answerContext } from '#functions/webhooks/endpoints/secrets.ts';
import { exampleEvent, type Received, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});
afterEach(() => vi.useRealTimers());

const event = exampleEvent('20260101-000000-Example1');
const wakeUp = { endpoint: 'crm', events: [event.id] };

/** Lets the official library judge a request at the time at which it arrived. */
function verify(secret: string, { body, headers, at }: Received): unknown {
  vi.useFakeTimers({ toFake: ['Date'], now: at });
  const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
  vi.useRealTimers();
  return verified;
}

/** Lets one attempt after the other be made exactly when it is due, until the delivery is over. */
async function attemptAll(): Promise<number[]> {
  const instants: number[] = [];
  await world.fanOut(event);
  for (;;) {
    const [delivery] = (await world.trace(event.id)).deliveries;
    if (delivery!.status !== 'PENDING') return instants;
    world.clock.advance(delivery!.nextAttemptAt - world.clock.now().getTime());
    instants.push(world.clock.now().getTime());
    await world.deliver([wakeUp]);
  }
}

describe('a delivery that keeps failing', () => {
  const schedule = [
    '0:00:00',
    '0:00:05',
    '0:05:05',
    '0:35:05',
    '2:35:05',
    '7:35:05',
    '17:35:05',
    '31:35:05',
    '51:35:05',
    '75:35:05',
  ];

  test('is attempted ten times at the instants of the schedule, each with the same id and bytes and its own signature', async () => {
    const { secret } = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    world.setAnswer(() => ({ status: 500, body: 'out of order' }));
    const started = world.clock.now().getTime();
    const instants = await attemptAll();
    expect(instants.map((instant) => spoken(instant - started))).toEqual(schedule);
    expect(world.received).toHaveLength(10);
    for (const [index, request] of world.received.entries()) {
      expect(request.headers['webhook-id']).toBe(event.id);
      expect(request.headers['webhook-timestamp']).toBe(String(Math.floor(instants[index]! / 1000)));
      expect(request.headers['content-type']).toBe('application/json');
      expect(request.body).toBe(eventBody(event));
      expect(verify(secret!, request)).toEqual(event);
    }
    const { deliveries, attempts } = await world.trace(event.id);
    expect(deliveries).toMatchObject([{ status: 'FAILED', reason: 'http_error', attempt: 10 }]);
    expect(attempts).toHaveLength(10);
    expect(attempts[0]).toMatchObject({ attempt: 1, outcome: 'failed', status: 500 });
    expect(world.deps.dataKey.decrypt(attempts[0]!.response as string, answerContext('crm'))).toBe('out of order');
  });

  test.each([
    { random: 0, factor: 0.8 },
    { random: 0.999_999, factor: 1.2 },
  ])('waits $factor times as long at the edge of the jitter', async ({ random, factor }) => {
    Object.assign(world.deps, { random: () => random });
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    world.setAnswer(() => ({ status: 500 }));
    const [first, ...others] = await attemptAll();
    expect(others.at(-1)! - first!).toBeCloseTo(factor * (75 * 3600 + 35 * 60 + 5) * 1000, -3);
  });

  test('follows the delays of its own endpoint', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelaysMs: [1000, 3000] });
    world.setAnswer(() => ({ status: 404 }));
    const [first, ...others] = await attemptAll();
    expect(others.map((instant) => instant - first!)).toEqual([1000, 4000]);
  });
});

describe('Retry-After', () => {
  test.each([
    { what: 'seconds', value: () => '7200', wait: 7_200_000 },
    { what: 'a date', value: () => new Date(world.clock.now().getTime() + 3_600_000).toUTCString(), wait: 3_600_000 },
    { what: 'more than a day', value: () => '999999', wait: 86_400_000 },
    { what: 'less than the schedule', value: () => '1', wait: 5000 },
    { what: 'nonsense', value: () => 'soon', wait: 5000 },
  ])('of $what is heeded as far as it makes sense', async ({ value, wait }) => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    world.setAnswer(() => ({ status: 503, headers: { 'retry-after': value() } }));
    await world.fanOut(event);
    const started = world.clock.now().getTime();
    await world.deliver([wakeUp]);
    const [delivery] = (await world.trace(event.id)).deliveries;
    expect(delivery!.nextAttemptAt - started).toBe(wait);
  });
});

/** `0:05:05`. */
function spoken(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}
