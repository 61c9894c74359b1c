import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { functionTarget } from '#infra/cli/api/aws-target.ts';
import { ApiClient } from '#infra/cli/api/client.ts';
import { unreachable } from '#infra/cli/terminal/cli-error.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { type ConsoleWorld, type OpenConsole, openConsole, startConsoleWorld, textIn } from './console-world.ts';

const api = await startOperatorApi();
let console: OpenConsole;
beforeEach(async () => {
  console = await openConsole(api.url);
  return () => console.close();
});

const paths = ['/', '/transfers', '/transfers?mailbox=alice%40example.com', '/transfer?id=t-1'];

/** Expects that no page about a problem gives itself away, or says that all is well. */
function expectHonest(body: string): void {
  expect(body).not.toMatch(/node:internal|\bat \w+ \(|\.ts:\d|works/);
}

describe('a page for an unknown address', () => {
  it.each(['/nothing', '/transfers/', '/%00', '/transfer/..%2f', '/%E0%A4%A'])('is answered for %s', async (path) => {
    const { status, body } = await console.ask(path);
    expect(status).toBe(404);
    expect(textIn(body)).toContain('There is no such page');
    expectHonest(body);
  });

  it('speaks the language of the browser', async () => {
    expect(await console.read('/nothing', 'de')).toContain('Diese Seite gibt es nicht');
  });
});

describe('a page whose address names a folder where a name belongs', () => {
  it.each([
    '/transfer?id=..',
    '/watch?mailbox=..&direction=..',
    '/endpoint?name=.',
    '/delivery?event=.&endpoint=.',
    '/watch/poll?mailbox=..&direction=..',
  ])('says that nothing is there, and asks for nothing else, for %s', async (path) => {
    const changing = await openConsole(api.url, { mayChange: true });
    const calls = api.calls.length;
    const { status, body } = await changing.ask(path);
    await changing.close();
    expect([status, changing.faults, api.calls.length]).toEqual([404, [], calls]);
    expectHonest(body);
  });
});

describe('an operator API that does not answer', () => {
  it.each(paths)('is told as such at %s, with what to do, and the page tries again', async (path) => {
    const gone = await openConsole('http://127.0.0.1:9');
    const { status, body } = await gone.ask(path);
    expect(status).toBe(502);
    expect(textIn(body)).toContain('The operator API does not answer');
    expect(textIn(body)).toMatch(/cannot reach the operator API at http:\/\/127\.0\.0\.1:9 \(.*\): start it/);
    expect(textIn(body)).toContain('it may work or not');
    expect(body).toContain('data-live');
    expectHonest(body);
    expect(gone.faults).toEqual([]);
    await gone.close();
  });

  it.each([
    ['an answer that is none of its own', { status: 200, type: 'text/html', body: '<h1>Login</h1>' }],
    ['a fault', problem(500, 'something broke')],
    ['a fault without explanation', { status: 503, type: 'text/plain', body: 'no' }],
  ])('is told as such after %s', async (_name, answer) => {
    api.on('GET /status', answer);
    const { status, body } = await console.ask('/');
    expect(status).toBe(502);
    expectHonest(body);
    expect(body).not.toContain('<h1>Login</h1>');
  });

  it('is asked again by the next page', async () => {
    api.on('GET /transfers/t-1/explanation', problem(500, 'broken'));
    expect((await console.ask('/transfer?id=t-1')).status).toBe(502);
    const told = { trackingId: 't-1', finding: 'baseline', seen: [], timeline: [], subscribers: [] };
    api.on('GET /transfers/t-1/explanation', { body: told });
    expect((await console.ask('/transfer?id=t-1')).status).toBe(200);
  });
});

describe('refused credentials', () => {
  it('are told with what to do when AWS says that they have expired', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
    const answer = { status: 403, body: { Message: 'The security token included in the request is expired' } };
    for (const path of ['/status', '/events', '/endpoints']) api.on(`GET ${path}`, answer);
    const aws = await openConsole(api.url, {
      api: new ApiClient(functionTarget(api.url, 'eu-central-1'), { proxy: undefined, except: [] } as never),
    });
    const { status, body } = await aws.ask('/');
    await aws.close();
    vi.unstubAllEnvs();
    expect(status).toBe(502);
    expect(textIn(body)).toMatch(/refuses access \(HTTP 403, The security token .* expired\): sign in/);
    expectHonest(body);
  });

  it('are told with what to do when there are none any more', async () => {
    const said = 'cannot sign: CredentialsProviderError: sign in';
    const none = {
      address: api.url,
      get: async () => Promise.reject(unreachable(said)),
      send: async () => undefined as never,
    };
    const aws = await openConsole(api.url, { api: none });
    const { status, body } = await aws.ask('/');
    await aws.close();
    expect([status, textIn(body).includes(said)]).toEqual([502, true]);
  });

  it('are told when a local run was started again with another token', async () => {
    for (const path of ['/status', '/events', '/endpoints']) api.on(`GET ${path}`, problem(401, 'expected the token'));
    const { status, body } = await console.ask('/');
    expect(status).toBe(502);
    expect(textIn(body)).toContain('set NOTIFIER_TOKEN');
  });
});

describe('a fault of the console', () => {
  it('is told without its text, and shown on the terminal', async () => {
    api.on('GET /status', { body: { watches: null } });
    api.on('GET /events', { body: { items: [] } });
    api.on('GET /endpoints', { body: { items: [] } });
    const { status, body } = await console.ask('/');
    expect(status).toBe(500);
    expect(textIn(body)).toContain('The console has made a mistake');
    expect(textIn(body)).toContain('Its terminal shows the error');
    expectHonest(body);
    expect(console.faults).toEqual([expect.any(TypeError)]);
  });
});

describe('requests that mean no page', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('change nothing by %s', async (method) => {
    for (const path of ['/', '/transfers', '/doctor']) expect((await console.ask(path, { method })).status).toBe(404);
    expect(console.faults).toEqual([]);
    expect(api.calls).toEqual([]);
  });

  it('keep a form within 64 KB', async () => {
    const { status, body } = await console.ask('/transfers', { form: { text: 'x'.repeat(70_000) } });
    expect(status).toBe(413);
    expect(textIn(body)).toContain('This form is too large');
  });

  it('keep a form that does not say its length from being read', async () => {
    const headers = { 'transfer-encoding': 'chunked' };
    expect((await console.ask('/transfers', { method: 'POST', headers })).status).toBe(413);
  });
});

describe('a list', () => {
  let world: ConsoleWorld;
  beforeAll(async () => {
    world = await startConsoleWorld();
    for (const mailbox of ['alice@example.com', 'bob@example.com'])
      await world.ask('POST', '/watches', { body: { mailbox } });
  });
  afterAll(() => world.close());

  it.each([
    ['a cursor of another list', async () => (await world.ask('GET', '/watches', { query: { limit: '1' } })).body.next],
    ['a shortened cursor', async () => 'eyJwayI6'],
    ['a cursor that is none', async () => "<script>alert('x')</script>"],
  ])('says what to do with %s', async (_name, cursor) => {
    const query = new URLSearchParams({ mailbox: 'alice@example.com', cursor: await cursor() }).toString();
    const { status, body } = await world.console.ask(`/transfers?${query}`);
    expect(status).toBe(400);
    expect(textIn(body)).toContain('This place of the list is not there');
    expect(body).toContain('<a href="/transfers?mailbox=alice%40example.com">To the beginning of the list</a>');
    expect(body).not.toContain('<script>alert');
    expectHonest(body);
  });

  it('says that a mailbox is not watched', async () => {
    const { status, body } = await world.console.ask('/transfers?mailbox=carol%40example.com');
    expect(status).toBe(404);
    expect(textIn(body)).toContain('there is no watch of what carol@example.com has sent');
  });

  it.each([
    ['/transfers?mailbox=%3Cb%3E', 'expected an e-mail address', 'mailbox', '&lt;b&gt;'],
    ['/transfer?id=a%0Ab', 'expected a tracking id', 'id', ''],
    ['/watch?mailbox=%3Cb%3E&direction=received', 'expected an e-mail address', 'mailbox', '&lt;b&gt;'],
  ])('keeps the form of %s with what was typed, and says what is wrong with it', async (path, said, name, typed) => {
    const { status, body } = await world.console.ask(path);
    expect(status).toBe(400);
    expect(/<div class="problem" role="alert".*?<\/div>/s.exec(body)![0]).toContain(said);
    expect(body).toMatch(new RegExp(`<form class="search".*name="${name}" value="${typed}`, 's'));
    expectHonest(body);
  });
});
