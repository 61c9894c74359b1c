import { beforeEach, describe, expect, test } from 'vitest';
import { type DeclaredEndpoint, declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import {
  addEndpoint,
  existingEndpoint,
  rotateSecret,
  updateEndpoint,
  viewOf,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { addressIn, readerOf, usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { type EndpointSettingsInput, parseSettings } from '#functions/webhooks/endpoints/settings.ts';
import { startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);

const german = { language: 'de', timeZone: 'Europe/Berlin', when: 'daily at 07:30' } as const;
const byMail = (settings: Partial<EndpointSettingsInput> = {}): DeclaredEndpoint => ({
  name: 'ops',
  settings: { url: 'mailto:ops+notifier@example.com', format: 'email', types: ['transfer.failed'], ...settings },
  secret: undefined,
});
const declare = (...declared: DeclaredEndpoint[]) => declareEndpoints(world.deps, declared);
const read = (name = 'ops') => existingEndpoint(world.deps, name);

describe('an endpoint by e-mail', () => {
  test('is declared with its reader, without a secret, and keeps its address encrypted', async () => {
    const [added] = await declare(byMail({ reader: german }));
    expect(added).toMatchObject({ endpoint: { name: 'ops', origin: 'mailto:' }, secret: undefined });
    const row = await read();
    expect(row).toMatchObject({ format: 'email', reader: { ...usualReader, ...german } });
    expect(JSON.stringify(row)).not.toContain('example.com');
    expect(addressIn(secretsOf(world.deps.dataKey, row).url)).toBe('ops+notifier@example.com');
    expect(secretsOf(world.deps.dataKey, row).secrets).toEqual([]);
    await expect(rotateSecret(world.deps, 'ops')).rejects.toThrow('ops is for people, who verify no signature');
  });

  test('shows operators no part of its address', async () => {
    await declare(byMail());
    expect(viewOf(world.deps, await read()).url).toBe('mailto:…');
  });

  test('is refused of an operator, with the reason', async () => {
    const { settings } = byMail();
    await expect(addEndpoint(world.deps, 'ops', settings)).rejects.toThrow(/^format: .* notify\.readers of the file$/);
    expect(await world.deps.endpoints.list()).toEqual([]);
  });

  test.each<[Partial<EndpointSettingsInput>, RegExp]>([
    [{ url: 'mailto:ops' }, /^url: expected an e-mail address, but it has no @$/],
    [{ url: 'https://example.com/' }, /^url: expected mailto: and an e-mail address$/],
    [{ format: 'event' }, /^url: expected https:/],
    [{ format: 'slack' }, /^url: expected https:/],
    [{ url: 'https://example.com/', format: 'event', reader: german }, /^reader: expected none with format event/],
    [{ reader: { ...german, urgent: ['watch.*'] } }, /^reader\.urgent\[0\]: expected one of .*: transfer\.failed$/],
    [{ reader: { when: 'daily at 24:00' } }, /^reader\.when: expected at once/],
  ])('is checked: %j', (settings, problem) => {
    const { problems } = parseSettings('ops', byMail(settings).settings, false);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });
});

describe('the reader of an endpoint', () => {
  test('takes what the file says, and the defaults once it leaves the file', async () => {
    await declare(byMail({ reader: german }));
    await declare(byMail({ reader: { ...german, when: 'hourly' } }));
    expect((await read()).reader).toEqual({ ...usualReader, ...german, when: 'hourly' });
    await declare(byMail());
    expect(await read()).not.toHaveProperty('reader');
    expect(readerOf(await read())).toEqual(usualReader);
  });

  test('stays as it is when other settings of a chat change', async () => {
    await addEndpoint(world.deps, 'team', { url: world.urlOf('team'), format: 'teams', reader: german });
    await updateEndpoint(world.deps, 'team', { types: ['watch.*'] });
    expect((await read('team')).reader).toEqual({ ...usualReader, ...german });
  });

  test('is there for people alone', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await addEndpoint(world.deps, 'team', { url: world.urlOf('team'), format: 'slack' });
    expect(readerOf(await read('crm'))).toBeUndefined();
    expect(readerOf(await read('team'))).toEqual(usualReader);
  });
});
