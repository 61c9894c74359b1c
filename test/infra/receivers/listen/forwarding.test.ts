import { expect, it } from 'vitest';
import { PostError } from '#functions/webhooks/http/webhook-client.ts';
import { forwardingOf } from '#infra/receivers/listen/forwarding.ts';
import { testEvents } from '#infra/receivers/trigger/test-events.ts';
import { secret } from '#test/infra/receivers/developers-receiver.ts';

const [event] = testEvents({ type: 'transfer.failed', times: 1, isOutOfOrder: false, seed: 7, at: new Date() });

it('a request that Ctrl-C has cut off is no fault of the receiver, and its event is left', async () => {
  const stop = new AbortController();
  const cut = Promise.withResolvers<never>();
  const told: unknown[] = [];
  const forwarding = forwardingOf({
    client: { post: () => cut.promise, close: () => {} },
    ...{ url: 'http://127.0.0.1/hooks', secret, stop: stop.signal, now: () => new Date(), sleep: async () => {} },
    tell: (_, attempt) => void told.push(attempt),
  });
  await forwarding.take(event!);
  stop.abort();
  cut.reject(new PostError('broken', 'ECONNRESET'));
  await new Promise((resolve) => setImmediate(resolve));
  expect({ told, left: forwarding.left() }).toEqual({ told: [], left: [event] });
});

it('an error that is not of a request ends it with that error, instead of the process', async () => {
  const forwarding = forwardingOf({
    client: { post: () => Promise.reject(new Error('broken here')), close: () => {} },
    ...{ url: 'http://127.0.0.1/hooks', secret, stop: new AbortController().signal, now: () => new Date() },
    sleep: async () => {},
    tell: () => {},
  });
  await forwarding.take(event!);
  await expect(forwarding.finish()).rejects.toThrow('broken here');
  await expect(forwarding.take(event!)).rejects.toThrow('broken here');
});
