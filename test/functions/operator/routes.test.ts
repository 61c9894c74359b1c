import { beforeAll, describe, expect, test } from 'vitest';
import { EnvironmentError } from '#functions/lambda/environment.ts';
import { operatorHandler } from '#functions/operator/routes.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';
import { eventOf, type OperatorWorld, openApiText, startOperatorWorld } from '#test/support/operator-world.ts';

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

/** Asks an API whose dependencies cannot be had, or break. */
async function askBroken(error: Error) {
  const lines: unknown[][] = [];
  const note = (...line: unknown[]) => {
    lines.push(line);
  };
  const handler = operatorHandler(async () => Promise.reject(error), openApiText, { info: note, error: note });
  const { statusCode, body } = await handler(eventOf('GET', '/status'), lambdaContext('operator', 60_000));
  return { status: statusCode, body: JSON.parse(body!), lines };
}

describe('what cannot be read is refused:', () => {
  test.each<[string, string, string, object, number]>([
    ['a route that is none', 'GET', '/nothing', {}, 404],
    ['a method that the path does not take', 'PUT', '/watches', {}, 405],
    ['a method that a path with parts does not take', 'POST', '/watches/sent/alice%40example.com', {}, 405],
    ['a path with an empty part', 'GET', '/watches/sent/', {}, 404],
    ['a body where none is expected', 'POST', '/endpoints/crm/pause', { body: { force: true } }, 400],
    ['a body that is no JSON', 'POST', '/watches', { text: '{' }, 400],
    ['a body that is a list', 'POST', '/watches', { body: [] }, 400],
    ['a body of more than 256 KB', 'POST', '/watches', { text: ' '.repeat(256 * 1024 + 1) }, 413],
    ['a direction that is none', 'GET', '/watches/up/alice%40example.com', {}, 400],
    ['a mailbox that is none', 'GET', '/watches/sent/alice', {}, 400],
    ['an escape that is none', 'GET', '/watches/sent/%zz', {}, 400],
    ['a limit of none', 'GET', '/watches', { query: { limit: '0' } }, 400],
    ['a limit of too many', 'GET', '/events', { query: { limit: '101' } }, 400],
    ['a limit that is no number', 'GET', '/events', { query: { limit: 'all' } }, 400],
    ['a time without a zone', 'GET', '/events', { query: { from: '2026-11-24T00:00:00' } }, 400],
    ['a status that is none', 'GET', '/deliveries', { query: { status: 'LOST' } }, 400],
  ])('%s', async (_, method, path, question, status) => {
    expect(await world.ask(method, path, question)).toMatchObject({
      status,
      type: 'application/problem+json',
      body: { type: 'about:blank', title: expect.any(String), status, detail: expect.any(String) },
    });
  });

  test('and a body with a byte order mark before it is read, as editors put it into files', async () => {
    const text = `\ufeff${JSON.stringify({ mailbox: 'marked@example.com' })}`;
    expect((await world.ask('POST', '/watches', { text })).status).toBe(201);
  });

  test('and a body of 256 KB is read', async () => {
    const body = JSON.stringify({ mailbox: 'large@example.com' });
    expect((await world.ask('POST', '/watches', { text: body.padEnd(256 * 1024) })).status).toBe(201);
  });

  test('without repeating a value, which may be a secret', async () => {
    const body = { name: 'crm', url: 'https://user:hidden@example.com/', secret: 'whsec_hidden', types: ['hidden'] };
    const answers = [
      await world.ask('POST', '/endpoints', { body }),
      await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm'), secret: 'whsec_hidden' } }),
      await world.ask('POST', '/endpoints', { text: '{"secret":"hidden' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(JSON.stringify(answers) + JSON.stringify(world.lines)).not.toContain('hidden');
  });
});

test('a path may be escaped or not, and may end with a slash', async () => {
  await world.ask('POST', '/watches', { body: { mailbox: 'plain@example.com' } });
  for (const path of ['plain%40example.com', 'plain@example.com', 'plain@example.com/']) {
    expect((await world.ask('GET', `/watches/sent/${path}`)).status).toBe(200);
  }
});

test('who changes something where nobody has to say who they are is called local', async () => {
  const lines: unknown[][] = [];
  const note = (...line: unknown[]) => {
    lines.push(line);
  };
  const handler = operatorHandler(async () => world.operatorDeps, openApiText, { info: note, error: note });
  const { requestContext, ...event } = eventOf('DELETE', '/endpoints/nobody');
  const { authorizer: _, ...unsigned } = requestContext as typeof requestContext & { authorizer?: unknown };
  await handler({ ...event, requestContext: unsigned }, lambdaContext('operator', 60_000));
  expect(lines).toEqual([['operator', { who: 'local', operation: 'removeEndpoint', target: 'nobody', status: 404 }]]);
});

test('a fault of ours is logged, and nothing of it is told', async () => {
  const error = new Error('table arn:aws:dynamodb:hidden');
  const { status, body, lines } = await askBroken(error);
  expect({ status, body }).toEqual({
    status: 500,
    body: {
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'something broke here; the logs tell what',
    },
  });
  expect(lines).toEqual([['operator', { error }]]);
});

test('while the secret is not filled, the answer says what is missing', async () => {
  expect(await askBroken(new EnvironmentError('CRYPTSHARE_CLIENT_ID is missing'))).toMatchObject({
    status: 503,
    body: { detail: 'CRYPTSHARE_CLIENT_ID is missing' },
  });
});

test('what somebody else has changed meanwhile is a conflict', async () => {
  const error = Object.assign(new Error('hidden'), { name: 'ConditionalCheckFailedException' });
  expect(await askBroken(error)).toMatchObject({ status: 409 });
});
