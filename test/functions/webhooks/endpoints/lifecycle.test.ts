import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, test } from 'vitest';
import { sendTest } from '#functions/webhooks/deliveries/test-event.ts';
import {
  addEndpoint,
  enableEndpoint,
  existingEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  rotateSecret,
  updateEndpoint,
  viewOf,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('20260101-000000-Example1');
const day = 86_400_000;

const statusOf = async (id = event.id) => (await world.trace(id)).deliveries[0]?.status;

/** Whether a secret verifies what arrived last, whatever its age. */
function verifies(secret: string): boolean {
  const { body, headers } = world.received.at(-1)!;
  const timestamp = Number(headers['webhook-timestamp']);
  const expected = new Webhook(secret).sign(String(headers['webhook-id']), new Date(timestamp * 1000), body);
  return String(headers['webhook-signature']).split(' ').includes(expected);
}

describe('adding an endpoint', () => {
  test('shows its secret once and signs with it', async () => {
    const { secret } = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await world.fanOut(event);
    await world.settleAll();
    expect(verifies(secret!)).toBe(true);
    const endpoint = await existingEndpoint(world.deps, 'crm');
    expect(JSON.stringify([endpoint, viewOf(world.deps, endpoint)])).not.toContain(secret);
  });

  test('takes a secret of its owner, and signs by ed25519 as well where asked', async () => {
    const secret = newSecret();
    const added = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') }, { secret, isAsymmetric: true });
    expect(added).toMatchObject({ secret, publicKey: expect.stringMatching(/^whpk_/) });
    await world.fanOut(event);
    await world.settleAll();
    expect(world.received[0]!.headers['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/);
    expect(verifies(secret)).toBe(true);
  });

  test.each([
    { what: 'a bad URL', input: { url: 'crm' }, problem: 'url: expected a URL such as https://example.com/webhooks' },
    { what: 'plain http', input: { url: 'http://example.com' }, problem: 'url: expected https:' },
    {
      what: 'plain http to a private address',
      input: { url: 'http://10.0.0.1:9000/' },
      problem: 'url: expected https:; expected an address on the public internet',
    },
    {
      what: 'a private address',
      input: { url: 'https://10.0.0.1/' },
      problem: 'url: expected an address on the public internet',
    },
    {
      what: 'this machine',
      input: { url: 'https://localhost/' },
      problem: 'url: expected an address on the public internet',
    },
    {
      what: 'an unknown type',
      input: { types: ['transfer.exploded'] },
      problem: expect.stringMatching(/^types\.0: expected one of transfer\.processing, .*, transfer\.\*, watch\.\*/),
    },
    { what: 'no type', input: { types: [] }, problem: 'types: expected at least one event type' },
    {
      what: 'a header of the notifier',
      input: { headers: { 'webhook-id': 'x' } },
      problem: 'headers.webhook-id: expected a header that the notifier does not set or forbid',
    },
    {
      what: 'a header with a line break',
      input: { headers: { 'x-a': 'b\r\nhost: c' } },
      problem: 'headers.x-a: expected a value of at most 1024 printable ASCII characters',
    },
    {
      what: 'an impossible delay',
      input: { retryDelaysMs: [1] },
      problem: 'retryDelaysMs: expected delays from 1 s to 7 days in whole milliseconds, got 1',
    },
  ])('is refused with the reason for $what', async ({ input, problem }) => {
    const strict = { ...world.deps, allowPrivate: false };
    await expect(addEndpoint(strict, 'crm', { url: 'https://example.com/', ...input })).rejects.toThrow(
      expect.objectContaining({ problems: [problem] }),
    );
    expect(await world.deps.endpoints.list()).toEqual([]);
  });

  test.each(['secret', 'whsec_', 'whsec_c2hvcnQ=', 'whsec_-_-_'])(
    'is refused with a malformed secret, not repeating it',
    async (secret) => {
      const adding = addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') }, { secret });
      await expect(adding).rejects.toThrow(/^secret: expected/);
      await adding.catch(({ message }) => expect(message).not.toContain(`${secret} `));
    },
  );

  test('is refused for a name that is taken or impossible', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await expect(addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') })).rejects.toThrow(
      'there is an endpoint crm already',
    );
    await expect(addEndpoint(world.deps, 'C R M', { url: world.urlOf('crm') })).rejects.toThrow(
      'name: expected 1 to 64',
    );
  });
});

describe('secrets at rest', () => {
  test('stand nowhere in the table: neither signing secrets nor URLs nor headers', async () => {
    const { secret } = await addEndpoint(world.deps, 'crm', {
      url: `${world.urlOf('crm')}?key=hunter2`,
      headers: { 'x-token': 'hunter3' },
    });
    const rotated = await rotateSecret(world.deps, 'crm');
    world.setAnswer(({ headers }) => ({ status: 200, body: `you sent ${headers['x-token']}` }));
    await world.fanOut(event);
    await world.settleAll();
    const dump = JSON.stringify(await world.dump());
    for (const text of [secret!, rotated.secret!, secret!.slice(6), 'hunter2', 'hunter3'])
      expect(dump).not.toContain(text);
    expect(world.received[0]!.headers['x-token']).toBe('hunter3');
    expect(viewOf(world.deps, await existingEndpoint(world.deps, 'crm')).url).toMatch(/\/crm\?…$/);
  });
});

describe('rotating the secret', () => {
  test('signs by both for a day, the new one first, and then by the new one alone', async () => {
    const old = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    const fresh = await rotateSecret(world.deps, 'crm');
    await world.fanOut(event);
    await world.settleAll();
    expect([verifies(old.secret!), verifies(fresh.secret!)]).toEqual([true, true]);
    const [first] = String(world.received.at(-1)!.headers['webhook-signature']).split(' ');
    const { body, headers } = world.received.at(-1)!;
    const at = new Date(Number(headers['webhook-timestamp']) * 1000);
    expect(first).toBe(new Webhook(fresh.secret!).sign(event.id, at, body));
    world.clock.advance(day);
    await world.fanOut(exampleEvent('another'));
    await world.settleAll();
    expect([verifies(old.secret!), verifies(fresh.secret!)]).toEqual([false, true]);
  });

  test('without overlap stops the old one at once', async () => {
    const old = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await rotateSecret(world.deps, 'crm', 0);
    await world.fanOut(event);
    await world.settleAll();
    expect(verifies(old.secret!)).toBe(false);
    expect(world.received.at(-1)!.headers['webhook-signature']).toMatch(/^v1,\S+$/);
  });
});

describe('a paused endpoint', () => {
  test('has its events held until it is resumed', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await pauseEndpoint(world.deps, 'crm');
    await world.fanOut(event);
    await world.settleAll();
    expect((await world.trace(event.id)).deliveries[0]).toMatchObject({ status: 'HELD', reason: 'paused' });
    await expect(pauseEndpoint(world.deps, 'crm')).rejects.toThrow('crm is paused already');
    await resumeEndpoint(world.deps, 'crm');
    await world.fanOut(exampleEvent('another'));
    await world.settleAll();
    expect(world.received).toHaveLength(1);
  });

  test('that is resumed while an event is being held gets it', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await pauseEndpoint(world.deps, 'crm');
    await world.fanOut(event);
    const plan = new FaultPlan([['UpdateItemCommand', 'pause']]);
    const wakeUps = await world.takeWakeUps();
    const holding = world.faults.run(plan, () => world.deliver(wakeUps));
    await plan.reachedPause;
    await resumeEndpoint(world.deps, 'crm');
    plan.resume();
    await holding;
    await world.settleAll();
    expect(await statusOf()).toBe('DELIVERED');
  });
});

describe('an endpoint that fails for long', () => {
  const failFor = async (milliseconds: number) => {
    const end = world.clock.now().getTime() + milliseconds;
    for (let index = 0; world.clock.now().getTime() < end; index += 1) {
      await world.fanOut(exampleEvent(`failing-${index}-${end}`));
      await world.answerWakeUps();
      world.clock.advance(6 * 3_600_000);
      await world.sweep();
      await world.answerWakeUps();
    }
  };
  const health = async () => {
    const [endpoint] = await world.deps.endpoints.list();
    return endpoint!;
  };

  test('is told of, warned about, and disabled after five days without a success; its events are held', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    world.setAnswer(() => ({ status: 500 }));
    await failFor(2 * day);
    expect(await health()).toMatchObject({ status: 'active', health: { cause: 'http_error' } });
    await failFor(2.5 * day);
    expect((await health()).health?.warnedAt).toBeDefined();
    await failFor(1.5 * day);
    expect(await health()).toMatchObject({ status: 'disabled' });
    await world.settleAll();
    await world.fanOut(event);
    await world.answerWakeUps();
    expect(await statusOf()).toBe('HELD');
    await enableEndpoint(world.deps, 'crm');
    world.setAnswer(() => ({ status: 204 }));
    await world.fanOut(exampleEvent('after'));
    await world.settleAll();
    expect(await statusOf(exampleEvent('after').id)).toBe('DELIVERED');
    expect((await health()).status).toBe('active');
  });

  test('is disabled at once by 410, and what it refused is held', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    world.setAnswer(() => ({ status: 410 }));
    await world.fanOut(event);
    await world.settleAll();
    expect(await health()).toMatchObject({ status: 'disabled', disabledBecause: expect.stringContaining('410') });
    expect(await statusOf()).toBe('HELD');
    expect(world.received).toHaveLength(1);
  });
});

describe('a test event', () => {
  test.each([
    { format: 'event' as const, expected: { type: 'notifier.test', data: { endpoint: 'crm' } } },
    { format: 'slack' as const, expected: { text: 'A test of Transfer Notifier' } },
    { format: 'teams' as const, expected: { type: 'message' } },
  ])('reaches an endpoint of format $format whatever types it asks for', async ({ format, expected }) => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), types: ['watch.failing'], format });
    const delivery = await sendTest(world.deps, 'crm');
    await world.settleAll();
    expect(JSON.parse(world.received[0]!.body)).toMatchObject(expected);
    expect(await statusOf(delivery.event)).toBe('DELIVERED');
  });
});

describe('updating, removing and listing', () => {
  test('changes what is named and keeps the rest, the secret included', async () => {
    const { secret } = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 3 });
    await updateEndpoint(world.deps, 'crm', { types: ['transfer.failed'], url: world.urlOf('moved') });
    expect(await world.deps.endpoints.list()).toMatchObject([
      { name: 'crm', types: ['transfer.failed'], maxInFlight: 3 },
    ]);
    await world.fanOut(event);
    await world.settleAll();
    expect(world.received[0]!.path).toBe('/moved');
    expect(verifies(secret!)).toBe(true);
  });

  test('names an endpoint that is not there', async () => {
    for (const act of [removeEndpoint, pauseEndpoint, existingEndpoint, sendTest, rotateSecret]) {
      await expect(act(world.deps, 'nobody')).rejects.toThrow('there is no endpoint nobody');
    }
  });
});
