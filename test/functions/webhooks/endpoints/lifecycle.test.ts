import { beforeEach, describe, expect, test } from 'vitest';
import { sendTest } from '#functions/webhooks/deliveries/replay.ts';
import {
  addEndpoint,
  existingEndpoint,
  pauseEndpoint,
  removeEndpoint,
  rotateSecret,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { FaultPlan, NthFault } from '#test/support/aws-faults.ts';
import { crm, day, first, hour, other, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

const noPublicAddress = 'url: expected an address on the public internet';

describe('addEndpoint', () => {
  test.each([
    { input: { url: 'crm' }, problem: 'url: expected a URL such as https://example.com/webhooks' },
    { input: { url: 'http://example.com' }, problem: 'url: expected https:' },
    { input: { url: 'https://10.0.0.1/' }, problem: noPublicAddress },
    { input: { url: 'https://localhost/' }, problem: noPublicAddress },
    {
      input: { types: ['transfer.exploded'] },
      problem: expect.stringMatching(/^types\.0: expected one of transfer\.failed, .*, transfer\.\*, watch\.\*/),
    },
    { input: { types: [] }, problem: 'types: expected at least one event type' },
    { input: { headers: { 'webhook-id': 'x' } }, problem: expect.stringMatching(/^headers\.webhook-id: expected/) },
    { input: { headers: { 'x-a': 'b\r\nhost: c' } }, problem: expect.stringMatching(/^headers\.x-a: expected/) },
    { input: { retryDelaysMs: [1] }, problem: expect.stringMatching(/^retryDelaysMs: expected.*got 1$/) },
  ])('refuses $input with the reason', async ({ input, problem }) => {
    const strict = { ...world.deps, allowPrivate: false };
    await expect(addEndpoint(strict, 'crm', { url: 'https://example.com/', ...input })).rejects.toThrow(
      expect.objectContaining({ problems: [problem] }),
    );
    expect(await world.deps.endpoints.list()).toEqual([]);
  });

  test('refuses a name that is taken or impossible', async () => {
    await crm.add();
    await expect(crm.add()).rejects.toThrow('there is an endpoint crm already');
    const adding = addEndpoint(world.deps, 'C R M', { url: world.urlOf('crm') });
    await expect(adding).rejects.toThrow('name: expected 1 to 64');
  });

  test('adds nothing when it fails before it can show the secret, so that adding can be repeated', async () => {
    const plan = new NthFault('QueryCommand', 1, 'refused');
    await world.faults.run(plan, () => crm.add()).catch(() => undefined);
    await expect(crm.add()).resolves.toMatchObject({ secret: expect.stringMatching(/^whsec_/) });
  });
});

describe('updateEndpoint', () => {
  test('changes what is named and keeps the rest, the secret included', async () => {
    const { secret } = await crm.add({ maxInFlight: 3 });
    await crm.update({ types: ['transfer.failed'], url: world.urlOf('moved') });
    expect(await world.deps.endpoints.list()).toMatchObject([
      { name: 'crm', types: ['transfer.failed'], maxInFlight: 3 },
    ]);
    await world.fanOut(first);
    await world.answerWakeUps();
    expect(world.received[0]!.path).toBe('/moved');
    expect(await crm.secrets()).toEqual([{ secret }]);
  });

  test('undoes nothing of a change that is made at the same time', async () => {
    await crm.add();
    await Promise.all([crm.update({ maxInFlight: 3 }), crm.update({ types: ['transfer.failed'] }), crm.pause()]);
    expect(await crm.read()).toMatchObject({ maxInFlight: 3, types: ['transfer.failed'], status: 'paused', rev: 3 });
  });

  test('makes no chat of a receiver of events', async () => {
    await crm.add();
    await expect(crm.update({ format: 'slack' })).rejects.toThrow('format: expected the same as before');
    expect(await crm.read()).toMatchObject({ format: 'event' });
  });
});

describe('a change of status', () => {
  test('has to fit the status before, and otherwise names the command that does', async () => {
    await crm.add();
    await expect(crm.resume()).rejects.toThrow('crm is active already');
    await expect(crm.enable()).rejects.toThrow('crm is active already');
    await crm.pause();
    await expect(crm.pause()).rejects.toThrow('crm is paused already');
    await expect(crm.enable()).rejects.toThrow('crm is paused, not disabled: npm run notifier -- endpoint resume crm');
    await crm.disable();
    await expect(crm.resume()).rejects.toThrow('crm is disabled, not paused: npm run notifier -- endpoint enable crm');
    await expect(crm.pause()).rejects.toThrow('crm is disabled already');
    expect(await crm.read()).toMatchObject({ status: 'disabled', disabledBecause: 'maintenance' });
  });

  test('names an endpoint that is not there', async () => {
    for (const act of [removeEndpoint, pauseEndpoint, existingEndpoint, sendTest, rotateSecret]) {
      await expect(act(world.deps, 'none')).rejects.toThrow('there is no endpoint none');
    }
  });
});

describe('pauseEndpoint', () => {
  test('holds events until the endpoint is resumed', async () => {
    await crm.add();
    await crm.pause();
    await world.fanOut(first);
    await world.answerWakeUps();
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'HELD', reason: 'paused' });
    await crm.resume();
    await world.fanOut(other);
    await world.answerWakeUps();
    expect(world.ids()).toEqual([other.id]);
  });

  test('loses no event that is being held while the endpoint is resumed', async () => {
    await crm.add();
    await crm.pause();
    await world.fanOut(first);
    const plan = new FaultPlan([['UpdateItemCommand', 'pause']]);
    const holding = world.faults.run(plan, world.answerWakeUps);
    await plan.reachedPause;
    await crm.resume();
    plan.resume();
    await holding;
    await world.settleAll();
    expect((await world.deliveryOf(first)).status).toBe('DELIVERED');
  });
});

describe('an endpoint that fails', () => {
  const failFor = async (milliseconds: number) => {
    const end = world.now() + milliseconds;
    while (world.now() < end) {
      await world.fanOut(exampleEvent(`failing-at-${world.now()}`));
      await world.answerWakeUps();
      world.clock.advance(6 * hour);
      await world.sweep();
      await world.answerWakeUps();
    }
  };

  test('warns operators, is disabled after five days without a success, and has its events held until it is enabled', async () => {
    await crm.add();
    world.setAnswer(() => ({ status: 500 }));
    await failFor(2 * day);
    expect(await crm.read()).toMatchObject({ status: 'active', health: { cause: 'http_error' } });
    await failFor(2.5 * day);
    expect((await crm.read()).health?.warnedAt).toBeDefined();
    await failFor(1.5 * day);
    expect(await crm.read()).toMatchObject({ status: 'disabled' });
    await world.settleAll();
    await world.fanOut(first);
    await world.answerWakeUps();
    expect((await world.deliveryOf(first)).status).toBe('HELD');
    await crm.enable();
    world.setAnswer(() => ({ status: 204 }));
    await world.fanOut(other);
    await world.settleAll();
    expect((await world.deliveryOf(other)).status).toBe('DELIVERED');
    expect((await crm.read()).status).toBe('active');
  });

  test('is disabled at once by 410, and what it refused is held', async () => {
    await crm.add();
    world.setAnswer(() => ({ status: 410 }));
    await world.fanOut(first);
    await world.settleAll();
    expect(await crm.read()).toMatchObject({ status: 'disabled', disabledBecause: expect.stringContaining('410') });
    expect((await world.deliveryOf(first)).status).toBe('HELD');
    expect(world.received).toHaveLength(1);
  });
});

describe('an endpoint that has failed often and asks to be left alone for a day', () => {
  beforeEach(async () => {
    await crm.add();
    for (let time = 0; time < 5; time += 1) {
      world.setAnswer(() => (time < 4 ? { status: 500 } : { status: 429, headers: { 'retry-after': '86400' } }));
      await world.fanOut(exampleEvent(`failing-${time}`));
      await world.answerWakeUps();
      world.clock.advance(1);
    }
    expect(await crm.read()).toMatchObject({ health: { cause: 'http_error' } });
    world.setAnswer(() => ({ status: 204 }));
    world.received.length = 0;
  });

  const expectNext = async (requests: number) => {
    await world.fanOut(first);
    await world.answerWakeUps();
    expect(world.received).toHaveLength(requests);
  };

  test('gets the next event at once after it was enabled, with nothing left of its failures', async () => {
    await crm.disable();
    expect(await crm.read()).toMatchObject({ status: 'disabled', disabledBecause: 'maintenance' });
    await crm.enable();
    expect(await crm.read()).not.toHaveProperty('health');
    expect(await crm.read()).not.toHaveProperty('disabledBecause');
    await expectNext(1);
  });

  test('gets the next event at once after it was removed and added again', async () => {
    await crm.remove();
    await crm.add();
    await expectNext(1);
  });

  test('gets nothing for that day where enabling it is refused because it is active', async () => {
    await expect(crm.enable()).rejects.toThrow('crm is active already');
    await expectNext(0);
  });
});

describe('sendTest', () => {
  test.each([
    { format: 'event' as const, expected: { type: 'notifier.test', data: { endpoint: 'crm' } } },
    { format: 'slack' as const, expected: { text: 'A test of Transfer Notifier' } },
    { format: 'teams' as const, expected: { type: 'message' } },
  ])('reaches an endpoint of format $format at once, whatever types it wants', async ({ format, expected }) => {
    await crm.add({ types: ['watch.failing'], format });
    const { event } = await sendTest(world.deps, 'crm');
    await world.answerWakeUps();
    expect(JSON.parse(world.received[0]!.body)).toMatchObject(expected);
    expect((await world.deliveryOf({ id: event })).status).toBe('DELIVERED');
  });
});
