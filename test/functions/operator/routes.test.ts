import { beforeAll, describe, expect, it } from 'vitest';
import { RowError } from '#functions/dynamodb/row-reader.ts';
import { EnvironmentError } from '#functions/lambda/environment.ts';
import { operatorHandler } from '#functions/operator/routes.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';
import { eventOf, type OperatorWorld, openApiText, startOperatorWorld } from '#test/support/operator-world.ts';

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

/** Asks an API whose dependencies throw this error, or never come without one. The invocation has some time in ms. */
async function askBroken(error?: Error, timeoutMs = 60_000) {
  const lines: unknown[][] = [];
  const note = (...line: unknown[]) => void lines.push(line);
  const dependencies = () => (error ? Promise.reject(error) : new Promise<never>(() => undefined));
  const handler = operatorHandler(dependencies, openApiText, { info: note, error: note });
  const { statusCode, body } = await handler(eventOf('GET', '/status'), lambdaContext('operator', timeoutMs));
  return { status: statusCode, body: JSON.parse(body!), lines };
}

describe('operatorHandler', () => {
  it.each<[string, string, string, object, number]>([
    ['an unknown route', 'GET', '/nothing', {}, 404],
    ['a wrong method', 'PUT', '/watches', {}, 405],
    ['a wrong method of a path with parts', 'POST', '/watches/sent/alice%40example.com', {}, 405],
    ['a path with an empty part', 'GET', '/watches/sent/', {}, 404],
    ['a body where none is expected', 'POST', '/endpoints/crm/pause', { body: { force: true } }, 400],
    ['a body without JSON', 'POST', '/watches', { text: '{' }, 400],
    ['a body that is a list', 'POST', '/watches', { body: [] }, 400],
    ['a body of more than 256 KB', 'POST', '/watches', { text: ' '.repeat(256 * 1024 + 1) }, 413],
    ['an unknown direction', 'GET', '/watches/up/alice%40example.com', {}, 400],
    ['a malformed mailbox', 'GET', '/watches/sent/alice', {}, 400],
    ['a malformed escape', 'GET', '/watches/sent/%zz', {}, 400],
    ['a limit of 0', 'GET', '/watches', { query: { limit: '0' } }, 400],
    ['a limit above 100', 'GET', '/events', { query: { limit: '101' } }, 400],
    ['a limit that is not a number', 'GET', '/events', { query: { limit: 'all' } }, 400],
    ['a time without a zone', 'GET', '/events', { query: { from: '2026-11-24T00:00:00' } }, 400],
    ['an unknown status', 'GET', '/deliveries', { query: { status: 'LOST' } }, 400],
  ])('refuses %s', async (_, method, path, question, status) => {
    expect(await world.ask(method, path, question)).toMatchObject({
      status,
      type: 'application/problem+json',
      body: { type: 'about:blank', title: expect.any(String), status, detail: expect.any(String) },
    });
  });

  it('reads a body after a byte order mark, as editors write it', async () => {
    const text = `\ufeff${JSON.stringify({ mailbox: 'marked@example.com' })}`;
    expect((await world.ask('POST', '/watches', { text })).status).toBe(201);
  });

  it('reads a body of 256 KB', async () => {
    const text = JSON.stringify({ mailbox: 'large@example.com' }).padEnd(256 * 1024);
    expect((await world.ask('POST', '/watches', { text })).status).toBe(201);
  });

  it('repeats no refused value, since it may be a secret', async () => {
    const body = { name: 'crm', url: 'https://user:hidden@example.com/', secret: 'whsec_hidden', types: ['hidden'] };
    const answers = [
      await world.ask('POST', '/endpoints', { body }),
      await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm'), secret: 'whsec_hidden' } }),
      await world.ask('POST', '/endpoints', { text: '{"secret":"hidden' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(JSON.stringify(answers) + JSON.stringify(world.lines)).not.toContain('hidden');
  });

  it('takes a path with and without escapes, and with a slash at its end', async () => {
    await world.ask('POST', '/watches', { body: { mailbox: 'plain@example.com' } });
    for (const path of ['plain%40example.com', 'plain@example.com', 'plain@example.com/']) {
      expect((await world.ask('GET', `/watches/sent/${path}`)).status).toBe(200);
    }
  });

  it('logs the caller local without IAM', async () => {
    const lines: unknown[][] = [];
    const note = (...line: unknown[]) => void lines.push(line);
    const handler = operatorHandler(async () => world.operatorDeps, openApiText, { info: note, error: note });
    const { requestContext, ...event } = eventOf('DELETE', '/endpoints/other');
    const { authorizer: _, ...unsigned } = requestContext as typeof requestContext & { authorizer?: unknown };
    await handler({ ...event, requestContext: unsigned }, lambdaContext('operator', 60_000));
    expect(lines).toEqual([['operator', { who: 'local', operation: 'removeEndpoint', target: 'other', status: 404 }]]);
  });

  it('answers 500 to an error, which it logs and does not reveal', async () => {
    const error = new Error('table arn:aws:dynamodb:hidden');
    const { body, lines } = await askBroken(error);
    const detail = 'something broke here; the logs tell what';
    expect(body).toEqual({ type: 'about:blank', title: 'Internal Server Error', status: 500, detail });
    expect(lines).toEqual([['operator', { error }]]);
  });

  it('answers 500, and logs it, before Lambda ends an invocation that takes too long', async () => {
    const { status, lines } = await askBroken(undefined, 20);
    expect(status).toBe(500);
    expect(lines).toEqual([['operator', { error: expect.objectContaining({ name: 'TimeoutError' }) }]]);
  });

  it('answers 503 with the missing variable while the secret is not filled', async () => {
    const detail = 'CRYPTSHARE_CLIENT_ID is missing';
    expect(await askBroken(new EnvironmentError(detail))).toMatchObject({ status: 503, body: { detail } });
  });

  it('answers 500 with the row that is damaged, and what to do about it', async () => {
    const { body } = await askBroken(new RowError('the row WATCHES x'));
    expect(body).toMatchObject({ status: 500, detail: 'the row WATCHES x; correct or delete it in the table' });
  });

  it('answers 409 when a row has changed since it was read', async () => {
    const error = Object.assign(new Error('hidden'), { name: 'ConditionalCheckFailedException' });
    expect(await askBroken(error)).toMatchObject({ status: 409 });
  });
});
