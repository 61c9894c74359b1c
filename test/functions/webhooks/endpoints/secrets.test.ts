import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, test } from 'vitest';
import { addEndpoint, rotateSecret, viewOf } from '#functions/webhooks/endpoints/lifecycle.ts';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { crm, day, first, other, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);

/** The signatures of the next event, in their order: the names of the secrets that made them, and unknown ones. */
async function signers(secrets: Readonly<Record<string, string | undefined>>, event = first): Promise<string[]> {
  await world.fanOut(event);
  await world.answerWakeUps();
  const { body, headers } = world.received.at(-1)!;
  const at = new Date(Number(headers['webhook-timestamp']) * 1000);
  const signatures = Object.entries(secrets).map(([name, secret]) => [
    new Webhook(secret!).sign(event.id, at, body),
    name,
  ]);
  const names = Object.fromEntries(signatures);
  return String(headers['webhook-signature'])
    .split(' ')
    .map((signature) => names[signature] ?? signature.split(',')[0]);
}

describe('addEndpoint', () => {
  test('shows its secret once and signs with it', async () => {
    const { secret } = await crm.add();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await signers({ secret })).toEqual(['secret']);
    const endpoint = await crm.read();
    expect(JSON.stringify([endpoint, viewOf(world.deps, endpoint)])).not.toContain(secret);
  });

  test('takes a secret of its owner, and signs with ed25519 as well where it is told so', async () => {
    const secret = newSecret();
    const added = await crm.add({}, { secret, isAsymmetric: true });
    expect(added).toMatchObject({ secret, publicKey: expect.stringMatching(/^whpk_/) });
    expect(await signers({ secret })).toEqual(['secret', 'v1a']);
  });

  test.each(['secret', 'whsec_', 'whsec_c2hvcnQ=', 'whsec_-_-_'])(
    'refuses a malformed secret without repeating it: %s',
    async (secret) => {
      const adding = crm.add({}, { secret });
      await expect(adding).rejects.toThrow(/^secret: expected/);
      await adding.catch(({ message }) => expect(message).not.toContain(`${secret} `));
    },
  );

  test('stores neither signing secrets nor URL nor headers in the open, nor what a receiver repeats of them', async () => {
    const { secret } = await crm.add({ url: `${world.urlOf('crm')}?key=hunter2`, headers: { 'x-token': 'hunter3' } });
    const rotated = await crm.rotate();
    world.setAnswer(({ headers }) => ({ status: 200, body: `you sent ${headers['x-token']}` }));
    await world.fanOut(first);
    await world.answerWakeUps();
    const dump = JSON.stringify(await world.dump());
    for (const text of [secret!, rotated.secret!, secret!.slice(6), 'hunter2', 'hunter3'])
      expect(dump).not.toContain(text);
    expect(world.received[0]!.headers['x-token']).toBe('hunter3');
    expect(viewOf(world.deps, await crm.read()).url).toMatch(/\/crm\?…$/);
  });
});

describe('rotateSecret', () => {
  test('signs with both secrets for a day, the new one first, and then with the new one alone', async () => {
    const { secret: old } = await crm.add();
    const { secret: fresh } = await crm.rotate();
    expect(await signers({ old, fresh })).toEqual(['fresh', 'old']);
    world.clock.advance(day);
    expect(await signers({ old, fresh }, other)).toEqual(['fresh']);
  });

  test('keeps an older secret no longer than it would have kept it', async () => {
    const { secret: first } = await crm.add();
    const { secret: second } = await crm.rotate();
    world.clock.advance(day / 2);
    const { secret: third } = await crm.rotate();
    expect(await crm.secrets()).toEqual([
      { secret: third },
      { secret: second, until: world.now() + day },
      { secret: first, until: world.now() + day / 2 },
    ]);
    world.clock.advance(day / 2);
    const { secret: fourth } = await crm.rotate();
    expect((await crm.secrets()).map(({ secret }) => secret)).toEqual([fourth, third, second]);
  });

  test('forgets the old secret at once without an overlap, and renews an ed25519 key as well', async () => {
    const added = await crm.add({}, { isAsymmetric: true });
    const { secret, publicKey } = await crm.rotate(0);
    expect(publicKey).toMatch(/^whpk_/);
    expect(publicKey).not.toBe(added.publicKey);
    expect(await signers({ secret })).toEqual(['secret', 'v1a']);
  });

  test('refuses a chat and a malformed secret, and leaves the old one as it was', async () => {
    await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack' });
    await expect(rotateSecret(world.deps, 'ops')).rejects.toThrow('ops is for people, who verify no signature');
    const { secret } = await crm.add();
    await expect(crm.rotate(day, 'whsec_c2hvcnQ=')).rejects.toThrow(/^secret: expected/);
    expect(await crm.secrets()).toEqual([{ secret }]);
  });
});
