import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routes } from '#infra/console/routes.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { problem, type ScriptedApi, startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { ask, type OpenConsole, openConsole, textIn } from './console-world.ts';
import { askAt, commandIn, confirm, formIn, type Place } from './forms.ts';

const now = new Date('2026-11-24T12:00:00.000Z');
const api = await startOperatorApi();
let console: OpenConsole;
let readOnly: OpenConsole;
beforeAll(async () => {
  console = await openConsole(api.url, { mayChange: true, now: () => now });
  readOnly = await openConsole(api.url, { now: () => now });
});
afterAll(() => Promise.all([console.close(), readOnly.close()]));

const mailbox = "o'neil$HOME&x@example.com";
const watchPath = '/watches/received/o%27neil%24HOME%26x%40example.com';
const mailboxPath = '/mailboxes/o%27neil%24HOME%26x%40example.com';
const named = `mailbox=${encodeURIComponent(mailbox)}`;
const watch = { mailbox, direction: 'received', generalIntervalMs: 60_000, isDeclared: false, isDisabled: false };
const crm = {
  ...{ name: 'crm', status: 'active', isDeclared: false, createdAt: now.toISOString(), format: 'event' },
  ...{
    url: 'https://crm.example.com/',
    types: ['transfer.*'],
    headerNames: [],
    retryDelaysMs: [5000],
    maxInFlight: 10,
  },
};
const delivery = {
  event: 'evt_1',
  endpoint: 'crm',
  status: 'HELD',
  attempt: 0,
  eventAt: now.toISOString(),
  type: 'transfer.failed',
};

/** Answers as the operator API does where all goes well. */
function answerAll(on: ScriptedApi): void {
  on.on(`GET ${watchPath}`, { body: watch });
  for (const verb of ['pause', 'resume']) on.on(`POST ${watchPath}/${verb}`, { body: watch });
  on.on(`POST ${watchPath}/poll`, {
    body: { outcome: 'unchanged', isComplete: true, transfers: 1, changed: 0, published: 0 },
  });
  on.on('POST /watches', { status: 201, body: watch });
  on.on(`POST ${mailboxPath}/code`, { status: 202, body: { mailbox } });
  on.on(`GET ${mailboxPath}/verification`, { body: { isVerified: false, methods: ['client_id', 'email'] } });
  on.on(`POST ${mailboxPath}/verification`, { body: { mailbox, method: 'email' } });
  on.on('POST /endpoints', { status: 201, body: { endpoint: crm, secret: 'whsec_new' } });
  on.on('GET /endpoints/crm', { body: crm });
  for (const verb of ['pause', 'resume', 'enable', 'disable']) on.on(`POST /endpoints/crm/${verb}`, { body: crm });
  on.on('POST /endpoints/crm/test', { status: 202, body: { event: 'evt_1', endpoint: 'crm' } });
  on.on('POST /endpoints/crm/rotate', { body: { endpoint: crm, secret: 'whsec_new' } });
  for (const verb of ['recover', 'replay'])
    on.on(`POST /endpoints/crm/${verb}`, { body: { count: 2, isComplete: true } });
  on.on('GET /deliveries', { body: { items: [] } });
  on.on('GET /deliveries/evt_1/crm', { body: { ...delivery, attempts: [] } });
  for (const verb of ['resend', 'cancel'])
    on.on(`POST /deliveries/evt_1/crm/${verb}`, { status: verb === 'resend' ? 202 : 200, body: delivery });
}

interface Case {
  /** Place of the question. */
  readonly asks: Place;
  readonly filled?: Record<string, string>;
}

/** An address for each change. */
const cases: Readonly<Record<string, Case>> = {
  '/watch/poll': { asks: `/watch/poll?${named}&direction=received` },
  '/watch/pause': { asks: `/watch/pause?${named}&direction=received` },
  '/watch/resume': { asks: `/watch/resume?${named}&direction=received` },
  '/watch/add': {
    asks: `/watch/add?${named}&direction=received&every=15m&downloads=1&overdue=1&before=3d&existing=1&ask=1`,
  },
  '/verification/client-id': { asks: `/verification/client-id?${named}` },
  '/verification/mail': { asks: `/verification/mail?${named}` },
  '/verification/code': { asks: `/verification/code?${named}`, filled: { code: 'CODE' } },
  '/endpoint/add': {
    asks: {
      form: '/endpoint/add',
      typed: {
        ...{ name: 'crm', url: "https://crm.example.com/it's?a=$HOME&b", types: 'transfer.failed, watch.*' },
        ...{ mailboxes: 'alice@example.com', direction: 'received' },
      },
    },
  },
  '/endpoint/test': { asks: '/endpoint/test?name=crm' },
  '/endpoint/pause': { asks: '/endpoint/pause?name=crm' },
  '/endpoint/resume': { asks: '/endpoint/resume?name=crm' },
  '/endpoint/enable': { asks: '/endpoint/enable?name=crm' },
  '/endpoint/disable': {
    asks: `/endpoint/disable?name=crm&because=${encodeURIComponent("it's moved; $HOME")}&ask=1`,
  },
  '/endpoint/recover': { asks: '/endpoint/recover?name=crm' },
  '/endpoint/replay': { asks: '/endpoint/replay?name=crm&from=2h&until=&ask=1' },
  '/endpoint/rotate': { asks: '/endpoint/rotate?name=crm&overlap=7d&ask=1' },
  '/delivery/resend': { asks: '/delivery/resend?event=evt_1&endpoint=crm' },
  '/delivery/cancel': { asks: '/delivery/cancel?event=evt_1&endpoint=crm' },
};

/** Requests that change something; a dry run counts. */
const changesSeen = () =>
  api.requests
    .filter(({ method, body }) => method !== 'GET' && !(body as { dryRun?: boolean } | undefined)?.dryRun)
    .map(({ method, url, body }) => ({ method, url, body: body ?? {} }));

/** Address of the question; where a form leads to it, of both. */
const addressOf = (asks: Place): string => (typeof asks === 'string' ? asks : asks.form);

const count = (): number => changesSeen().length;

it('are all tried here', () => {
  expect(routes.changes.map(({ path }) => path).toSorted()).toEqual(Object.keys(cases).toSorted());
});

describe.each(Object.entries(cases))('the change %s', (path, { asks, filled }) => {
  it('asks first, and only then sends what the command sends that it shows', async () => {
    answerAll(api);
    const { asked, sent, shown } = await confirm(console, asks, filled);
    expect([asked.status, sent.status]).toEqual([200, /^\/endpoint\/(add|rotate)/.test(path) ? 200 : 303]);
    expect(shown.status).toBe(200);
    expect(shown.body).toMatch(/<p class="outcome \w+" role="status" tabindex="-1" autofocus>/);
    const byForm = changesSeen();
    expect(byForm).toHaveLength(1);
    api.requests.length = 0;
    const command = commandIn(asked.body);
    // As the shell of a person reads it.
    const words = execFileSync('sh', ['-c', `printf '%s\\0' ${command}`])
      .toString()
      .split('\0')
      .slice(0, -1);
    expect(words.slice(0, 4)).toEqual(['npm', 'run', 'notifier', '--']);
    const asksToo = /rotate|replay|cancel/.test(path) ? ['--yes'] : [];
    await run([...words.slice(4), ...asksToo, '--url', api.url], { now: () => now });
    expect(byForm).toEqual(changesSeen());
  });

  it('changes nothing by a question alone', async () => {
    answerAll(api);
    await askAt(console, asks);
    await console.ask(path + new URL(addressOf(asks), console.url).search);
    expect(count()).toBe(0);
  });

  it('is refused without --allow-changes, a forged form as well', async () => {
    answerAll(api);
    const { search } = new URL(addressOf(asks), console.url);
    for (const shown of [
      await askAt(readOnly, asks),
      await readOnly.ask(path + search),
      await readOnly.ask(path + search, { form: { form: 'x', csrf: 'x', ...filled } }),
    ]) {
      expect(shown.status).toBe(403);
      expect(textIn(shown.body)).toContain('Start the console with --allow-changes');
    }
    expect(api.calls).toEqual([]);
  });

  it('is refused without the token of this console, and with that of an earlier one', async () => {
    answerAll(api);
    const earlier = await openConsole(api.url, { mayChange: true, now: () => now });
    const stale = formIn((await askAt(earlier, asks)).body)!;
    await earlier.close();
    const { action, fields } = formIn((await askAt(console, asks)).body)!;
    const { csrf, ...rest } = fields;
    for (const form of [rest, { ...rest, csrf: '' }, stale.fields, { ...fields, csrf: stale.fields.csrf! }]) {
      const { status, body } = await console.ask(action, { form: { ...form, ...filled } });
      expect(status).toBe(403);
      expect(textIn(body)).toContain('This form is not from this console');
    }
    expect(csrf).toMatch(/^[0-9a-f]{32}$/);
    expect(count()).toBe(0);
  });

  it('is refused without a cookie, and from another site', async () => {
    answerAll(api);
    const { action, fields } = formIn((await askAt(console, asks)).body)!;
    const form = { ...fields, ...filled };
    expect((await ask(console.url, action, { form })).status).toBe(403);
    expect((await console.ask(action, { form, headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await console.ask(action, { form, headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect(count()).toBe(0);
  });

  it('is done once, however often its form is sent', async () => {
    answerAll(api);
    const { action, fields } = formIn((await askAt(console, asks)).body)!;
    const form = { ...fields, ...filled };
    // A double click: both get the same answer.
    const both = await Promise.all([console.ask(action, { form }), console.ask(action, { form })]);
    expect(both.map(({ status }) => status === 200 || status === 303)).toEqual([true, true]);
    expect(both[1].headers.location).toBe(both[0].headers.location);
    const again = await console.ask(action, { form });
    expect([again.status, textIn(again.body).includes('This form was sent before')]).toEqual([409, true]);
    const { form: _, ...keyless } = form;
    expect((await console.ask(action, { form: keyless })).status).toBe(403);
    expect(count()).toBe(1);
  });

  it('shows its question or form again after a refusal, with the words of the API and all input', async () => {
    answerAll(api);
    const { action, fields } = formIn((await askAt(console, asks)).body)!;
    const said = problem(409, 'it cannot be: <b>mend</b> it first');
    const { pathname } = new URL(changeOf(path), api.url);
    api.on(`POST ${pathname}`, (request) =>
      (request.body as { dryRun?: boolean } | undefined)?.dryRun ? { body: { count: 1, isComplete: true } } : said,
    );
    const sent = await console.ask(action, { form: { ...fields, ...filled } });
    expect(sent.status).toBe(409);
    expect(sent.body).toMatch(
      /role="alert" tabindex="-1" autofocus>\s*<p class="said" lang="en"><bdi>it cannot be: &lt;b&gt;mend&lt;\/b&gt; it first/,
    );
    const again = formIn(sent.body)!;
    expect(again.action).toBe(action);
    const alike = { form: '', step: '' };
    expect({ ...again.fields, ...alike }).toEqual({ ...fields, ...filled, ...alike });
    expect(again.fields.form).not.toBe(fields.form);
    answerAll(api);
    expect([200, 303]).toContain((await console.ask(again.action, { form: again.fields })).status);
  });

  it('says that the outcome is not known when the API does not answer', async () => {
    answerAll(api);
    const { action, fields } = formIn((await askAt(console, asks)).body)!;
    const { pathname } = new URL(changeOf(path), api.url);
    api.on(`POST ${pathname}`, (request) =>
      (request.body as { dryRun?: boolean } | undefined)?.dryRun
        ? { body: { count: 1, isComplete: true } }
        : { status: 502, type: 'text/plain', body: 'no' },
    );
    const { status, body } = await console.ask(action, { form: { ...fields, ...filled } });
    expect(status).toBe(502);
    expect(textIn(body)).toContain('it is not known whether it was done');
    expect(formIn(body)?.action).toBe(action);
  });

  it('speaks German', async () => {
    answerAll(api);
    const { body } = await askAt(console, asks, { headers: { 'accept-language': 'de' } });
    expect(body).toContain('<html lang="de">');
    expect(textIn(body)).toContain('Dasselbe auf der Kommandozeile:');
    expect(textIn(body)).not.toMatch(/\b(the|is sent|gets)\b/);
  });
});

it.each(['/watch/add', '/endpoint/add', '/endpoint/replay', '/endpoint/rotate'])(
  'The change %s is refused where all input is missing, as no form sends it',
  async (path) => {
    answerAll(api);
    const { fields } = formIn((await console.ask('/endpoint/pause?name=crm')).body)!;
    const { status, body } = await console.ask(`${path}?name=crm`, { form: fields });
    expect([status, /the (address|form) lacks input/.test(textIn(body))]).toEqual([400, true]);
    expect(count()).toBe(0);
  },
);

/** The API's address of a change. */
function changeOf(path: string): string {
  const [, noun, verb] = path.split('/');
  if (noun === 'watch') return verb === 'add' ? '/watches' : `${watchPath}/${verb}`;
  if (noun === 'verification') return `${mailboxPath}/${verb === 'mail' ? 'code' : 'verification'}`;
  if (noun === 'endpoint' && verb === 'add') return '/endpoints';
  return noun === 'delivery' ? `/deliveries/evt_1/crm/${verb}` : `/endpoints/crm/${verb}`;
}
