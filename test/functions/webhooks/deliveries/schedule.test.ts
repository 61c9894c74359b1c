import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { answerContext } from '#functions/webhooks/endpoints/endpoint.ts';
import { crm, first, hour, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import type { Received } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);
afterEach(() => vi.useRealTimers());

/** Verifies a request with the official library, at the time at which it arrived. */
function verify(secret: string, { body, headers, at }: Received): unknown {
  vi.useFakeTimers({ toFake: ['Date'], now: at });
  const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
  vi.useRealTimers();
  return verified;
}

/** Makes one attempt after the other exactly when it is due. @returns how long after the first one each came */
async function attemptAll(): Promise<number[]> {
  const instants: number[] = [];
  await world.fanOut(first);
  for (;;) {
    const { status, nextAttemptAt } = await world.deliveryOf(first);
    if (status !== 'PENDING') return instants.map((instant) => instant - instants[0]!);
    world.clock.advance(nextAttemptAt - world.now());
    instants.push(world.now());
    await world.deliver([crm.wakeUp(first)]);
  }
}

/** `0:05:05`. */
function spoken(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

describe('deliver', () => {
  test('attempts a failing delivery ten times on schedule, with the same id and bytes and a signature of its own', async () => {
    const { secret } = await crm.add();
    world.setAnswer(() => ({ status: 500, body: 'out of order' }));
    const instants = await attemptAll();
    expect(instants.map(spoken)).toEqual([
      ...['0:00:00', '0:00:05', '0:05:05', '0:35:05', '2:35:05'],
      ...['7:35:05', '17:35:05', '31:35:05', '51:35:05', '75:35:05'],
    ]);
    expect(world.received).toHaveLength(10);
    for (const request of world.received) {
      expect(request.headers['webhook-id']).toBe(first.id);
      expect(request.headers['webhook-timestamp']).toBe(String(Math.floor(request.at / 1000)));
      expect(request.headers['content-type']).toBe('application/json');
      expect(request.body).toBe(eventBody(first));
      expect(verify(secret!, request)).toEqual(first);
    }
    const { deliveries, attempts } = await world.trace(first.id);
    expect(deliveries).toMatchObject([{ status: 'FAILED', reason: 'http_error', attempt: 10 }]);
    expect(attempts).toHaveLength(10);
    expect(attempts[0]).toMatchObject({ attempt: 1, outcome: 'failed', status: 500 });
    expect(world.deps.dataKey.decrypt(attempts[0]!.response as string, answerContext('crm'))).toBe('out of order');
  });

  test('follows the delays of the endpoint itself, with jitter', async () => {
    Object.assign(world.deps, { random: () => 0 });
    await crm.add({ retryDelaysMs: [1000, 3000] });
    world.setAnswer(() => ({ status: 404 }));
    expect(await attemptAll()).toEqual([0, 800, 3200]);
  });

  test('waits as long as Retry-After says by the clock of the receiver', async () => {
    await crm.add();
    const retryAfterMs = new Date(world.now() + 3 * hour).toUTCString();
    const date = new Date(world.now() + 2 * hour).toUTCString();
    world.setAnswer(() => ({ status: 503, headers: { 'retry-after': retryAfterMs, date } }));
    await world.prepare(first);
    await world.deliver([crm.wakeUp(first)]);
    expect((await world.deliveryOf(first)).nextAttemptAt - world.now()).toBe(hour);
  });
});
