import { beforeEach, describe, expect, test } from 'vitest';
import { type Declarations, declare } from '#functions/declare/declare.ts';
import { Watches } from '#functions/watches/watches.ts';
import { secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { transfersTable } from '#test/support/webhook-world.ts';

const alice = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const bob = { mailbox: 'bob@example.com', direction: 'received' } as const;

beforeEach(startEndpointWorld);

const deploy = (declarations: Partial<Declarations>, fields: Record<string, string> = {}) =>
  declare(
    // As deployed: no endpoint on this machine.
    {
      watches: new Watches({ dynamo: world.deps.dynamo, table: transfersTable }),
      endpointLife: { ...world.deps, allowPrivate: false },
      fields,
    },
    { watches: [], endpoints: [], ...declarations },
  );

const watches = async () =>
  (await new Watches({ dynamo: world.deps.dynamo, table: transfersTable }).list()).map(
    ({ mailbox, isDisabled }) => `${mailbox}${isDisabled ? ' disabled' : ''}`,
  );
const endpoints = async () => (await world.deps.endpoints.list()).map(({ name, status }) => `${name} ${status}`);

const crm = { name: 'crm', settings: { url: 'https://crm.example.com/hooks' }, secretFrom: 'CRM_WEBHOOK_SECRET' };
const archive = { name: 'archive', settings: {}, urlFrom: 'ARCHIVE_URL' };

describe('declare', () => {
  test('adds what is new, disables what is gone, enables what is back, and deletes nothing', async () => {
    await deploy({ watches: [alice, bob] });
    expect(await watches()).toEqual(['bob@example.com', 'alice@example.com']);
    await deploy({ watches: [bob] });
    expect(await watches()).toEqual(['bob@example.com', 'alice@example.com disabled']);
    await deploy({ watches: [alice, bob] });
    expect(await watches()).toEqual(['bob@example.com', 'alice@example.com']);
  });

  test('leaves alone what operators added', async () => {
    await addEndpoint(world.deps, 'by-hand', { url: world.urlOf('by-hand') });
    const fields = { CRM_WEBHOOK_SECRET: newSecret() };
    await deploy({ endpoints: [crm] }, fields);
    await deploy({}, fields);
    expect(await endpoints()).toEqual(['by-hand active', 'crm disabled']);
  });

  test('writes no watch again when it is repeated', async () => {
    const fields = { CRM_WEBHOOK_SECRET: newSecret() };
    const declarations = { watches: [alice, bob], endpoints: [crm] };
    const first = await deploy(declarations, fields);
    const rows = await new Watches({ dynamo: world.deps.dynamo, table: transfersTable }).list();
    expect(await deploy(declarations, fields)).toEqual(first);
    expect(await new Watches({ dynamo: world.deps.dynamo, table: transfersTable }).list()).toEqual(rows);
    expect(await endpoints()).toEqual(['crm active']);
  });
});

describe('declare of an endpoint whose secret is not filled', () => {
  test('tells what the endpoint waits for, and declares everything else', async () => {
    const declared = await deploy(
      { watches: [alice], endpoints: [crm, archive] },
      { ARCHIVE_URL: 'https://a.example/' },
    );
    expect(declared).toEqual({
      watches: 1,
      endpoints: 1,
      waiting: [{ endpoint: 'crm', because: ['the secret has no field CRM_WEBHOOK_SECRET'] }],
    });
    expect(await endpoints()).toEqual(['archive active']);
  });

  test('leaves the endpoint active when it was there before', async () => {
    await deploy({ endpoints: [crm] }, { CRM_WEBHOOK_SECRET: newSecret() });
    await deploy({ endpoints: [crm] });
    expect(await endpoints()).toEqual(['crm active']);
  });

  test('adds the endpoint once the secret is filled, with that secret and those headers', async () => {
    const declaration = { ...crm, headersFrom: { 'x-tenant': 'CRM_TENANT' } };
    const fields = { CRM_WEBHOOK_SECRET: newSecret(), CRM_TENANT: 'tenant-1' };
    await deploy({ endpoints: [declaration] });
    await deploy({ endpoints: [declaration] }, fields);
    const [endpoint] = await world.deps.endpoints.list();
    expect(secretsOf(world.deps.dataKey, endpoint!)).toMatchObject({
      headers: { 'x-tenant': 'tenant-1' },
      secrets: [{ secret: fields.CRM_WEBHOOK_SECRET }],
    });
  });

  test('waits for the variables of a template, and fills them in', async () => {
    const template = { key: '{{ROUTING_KEY}}', text: '{{words}}' };
    const declaration = { name: 'pager', settings: { ...crm.settings, format: 'template' as const, template } };
    const because = ['the secret has no field ROUTING_KEY'];
    expect((await deploy({ endpoints: [declaration] })).waiting).toEqual([{ endpoint: 'pager', because }]);
    await deploy({ endpoints: [declaration] }, { ROUTING_KEY: 'R1' });
    const [endpoint] = await world.deps.endpoints.list();
    expect(secretsOf(world.deps.dataKey, endpoint!)).toMatchObject({ template, variables: { ROUTING_KEY: 'R1' } });
  });
});

test.each([
  ['http://crm.example.com/hooks', 'https:'],
  ['https://10.0.0.1/', 'address'],
  ['https://localhost/', 'address'],
])('declare refuses an address that webhooks must not go to, and lets the endpoint wait: %s', async (url, reason) => {
  const { waiting } = await deploy({ endpoints: [archive] }, { ARCHIVE_URL: url });
  expect(waiting).toEqual([{ endpoint: 'archive', because: [expect.stringContaining('url: ')] }]);
  expect(waiting[0]!.because[0]).toContain(reason);
  expect(waiting[0]!.because[0]).not.toContain(url);
  expect(await endpoints()).toEqual([]);
});
