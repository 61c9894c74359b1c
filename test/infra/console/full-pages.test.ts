import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { bytesOf, type OpenConsole, openConsole, textIn } from './console-world.ts';

const at = '2026-11-24T00:00:00.000Z';
const now = new Date('2026-11-24T00:30:00.000Z');
const api = await startOperatorApi();
let console: OpenConsole;
beforeAll(async () => {
  console = await openConsole(api.url, { mayChange: true, now: () => now });
});
afterAll(() => console.close());

/** A text that would be markup, a script, or text in another direction. */
const evil = (length: number): string =>
  `"'><img src=x onerror=alert(1)>&\u202e\x07${noise(length)}`.slice(0, Math.max(length, 40));

let seed = 0;

/** Text that no compression makes shorter, the same in each run. */
function noise(length: number): string {
  seed += 1;
  const blocks = Array.from({ length: Math.ceil(length / 86) }, (_, block) =>
    createHash('sha512').update(`${seed} ${block}`).digest('base64url'),
  );
  return blocks.join('').slice(0, length);
}

/** Answers with as much as there can be, each text hostile. */
const problem = () => ({ cause: evil(60), message: evil(400) });
const watch = () => ({
  ...{
    mailbox: evil(254),
    direction: 'sent',
    isDeclared: true,
    isDisabled: false,
    generalIntervalMs: 60_000,
    pollIntervalMs: 900_000,
    count: 100_000,
  },
  health: { failingSince: at, failures: 3, problem: problem(), isAnnounced: true, incompleteSince: at },
  ...{ follow: ['downloads', 'overdue', 'problems'], lacksFacts: true, baselineAt: at },
  verification: { method: 'email', validUntil: '2026-11-25T00:00:00.000Z' },
});
const name = 'n'.repeat(64);
const endpoint = () => ({
  ...{ name, status: 'active', isDeclared: true, createdAt: at, url: evil(2000), format: 'event' },
  types: Array.from({ length: 30 }, () => 'transfer.deleted_by_expiration'),
  mailboxes: Array.from({ length: 1000 }, () => evil(254)),
  headerNames: Array.from({ length: 20 }, () => evil(60)),
  ...{ retryDelaysMs: Array.from({ length: 20 }, () => 86_400_000), maxInFlight: 100 },
  health: { failingSince: at, cause: evil(40) },
  failures: { count: 1_000_000, since: at },
  circuitBreaker: { state: 'open', openUntil: at },
});
const reader = { language: 'de', timeZone: 'Europe/Berlin', when: 'hourly', urgent: [], quiet: [], evenIfEmpty: true };
const eventId = `evt_${'e'.repeat(60)}`;
const delivery = () => ({
  ...{ event: eventId, endpoint: name, status: 'PENDING', attempt: 9, nextAttemptAt: at },
  ...{ reason: evil(60), eventAt: at, type: evil(60) },
});
const attempt = () => ({
  attempt: 1,
  startedAt: at,
  durationMs: 15_000,
  outcome: 'retry',
  status: 500,
  response: evil(1024),
});
const event = () => ({
  ...{ id: 'evt_1', type: 'transfer.failed', timestamp: at },
  data: {
    trackingId: evil(200),
    mailbox: evil(254),
    direction: 'sent',
    state: evil(60),
    previousState: evil(60),
    sequence: 1,
  },
});

let cursors = 0;

beforeEach(() => {
  const list = (path: string, item: () => unknown) =>
    api.on(`GET ${path}`, ({ url }) => {
      const limit = Number(new URL(url, api.url).searchParams.get('limit') ?? 50);
      cursors += 1;
      return { body: { items: Array.from({ length: limit }, item), next: `${cursors}${'c'.repeat(900)}` } };
    });
  list('/watches', watch);
  list('/endpoints', endpoint);
  list('/deliveries', delivery);
  list('/events', event);
  api.on('GET /watches/sent/alice%40example.com', { body: watch() });
  api.on('GET /mailboxes/alice%40example.com/verification', {
    body: { isVerified: false, methods: ['client_id', 'email'], method: 'email', validUntil: at },
  });
  api.on(`GET /endpoints/${name}`, { body: endpoint() });
  api.on('GET /endpoints/mail', {
    body: { ...endpoint(), name: 'mail', format: 'email', mailboxes: undefined, reader },
  });
  api.on('GET /endpoints/chat', {
    body: { ...endpoint(), name: 'chat', format: 'slack', mailboxes: undefined, reader },
  });
  api.on(`GET /deliveries/${eventId}/${name}`, {
    body: { ...delivery(), attempts: Array.from({ length: 50 }, attempt) },
  });
});

const paths = [
  '/watches',
  '/watches?only=failing',
  '/watch?mailbox=alice@example.com&direction=sent',
  '/verification?mailbox=alice@example.com',
  '/webhooks',
  `/endpoint?name=${name}`,
  `/deliveries?endpoint=${name}`,
  `/delivery?event=${eventId}&endpoint=${name}`,
  '/notice?reader=mail',
  '/notice?reader=mail&as=html',
  '/notice?reader=chat',
  '/watch/poll?mailbox=alice@example.com&direction=sent',
];

describe.each(paths)('the page %s, full of hostile texts', (path) => {
  it.each(['en', 'de'])('stays below 60 KB in %s', async (language) => {
    const { status, bytes } = await console.ask(path, { headers: { 'accept-language': language } });
    expect(status).toBe(200);
    // Where nothing is compressed as well.
    expect(bytes).toBeLessThan(60_000);
    expect(await bytesOf(console, path, language)).toBeLessThan(60_000);
  });

  it('has them as text alone', async () => {
    const { body } = await console.ask(path);
    expect(body).not.toContain('<img');
    expect(body).not.toContain('\u202e');
    expect(body).not.toContain(String.fromCodePoint(7));
    // A quotation mark would end the attribute that holds the text.
    for (const [tag] of body.matchAll(/<[a-z][^>]*>/g)) expect(tag).not.toMatch(/\sonerror=|\sstyle=/);
  });

  it('is the same page in German, with what is English marked as such', async () => {
    const { body } = await console.ask(path, { headers: { 'accept-language': 'de' } });
    expect(body).toContain('<html lang="de">');
    for (const [, said] of body.matchAll(/<p class="said"([^>]*)>/g)) expect(said).toBe(' lang="en"');
  });

  it('has one main heading, and a name for each field, frame and picture', async () => {
    const { body } = await console.ask(path);
    expect(body.match(/<h1/g)).toHaveLength(1);
    for (const [, id] of body.matchAll(/<(?:input|select)[^>]* id="([^"]*)"/g)) expect(body).toContain(`for="${id}"`);
    for (const [tag] of body.matchAll(/<iframe[^>]*>/g)) expect(tag).toMatch(/ title="[^"]+"/);
    for (const [tag] of body.matchAll(/<svg[^>]*>/g)) expect(tag).toMatch(/ role="img" aria-label="[^"]+"/);
  });
});

it('A mail in its frame stays below 60 KB, and has hostile texts as text alone', async () => {
  const { body } = await console.ask('/notice/mail?reader=mail');
  expect(await bytesOf(console, '/notice/mail?reader=mail')).toBeLessThan(60_000);
  expect(body).not.toContain('<img');
});

it('Of many attempts, the last answer is whole, and the earlier ones are cut', async () => {
  const last = `last ${'x'.repeat(1019)}`;
  const earlier = { ...attempt(), response: `earlier ${'x'.repeat(1016)}` };
  const attempts = [...Array.from({ length: 24 }, () => earlier), { ...attempt(), response: last }];
  api.on(`GET /deliveries/${eventId}/${name}`, { body: { ...delivery(), attempts } });
  const later = await openConsole(api.url, { now: () => now });
  const text = textIn((await later.ask(`/delivery?event=${eventId}&endpoint=${name}`)).body);
  await later.close();
  expect(text).toContain(last);
  expect(text.match(/earlier x+…/g)).toHaveLength(19);
  expect(text).toContain('5 earlier attempts are left out.');
});

describe('a page that counts', () => {
  it('says that there is more than it reads, and where that begins', async () => {
    expect(textIn((await console.ask(`/endpoint?name=${name}`)).body)).toMatch(
      /More deliveries than are counted here; since 24 Nov 2026, 00:00:00: 0 delivered, 0 failed and 500 neither yet/,
    );
    expect(textIn((await console.ask(`/endpoint?name=${name}`)).body)).toContain('Deliveries waiting 100 or more');
    expect(textIn((await console.ask('/notice?reader=mail')).body)).toContain(
      'There are more events than are read for a preview',
    );
  });

  it('reads a bounded number of pages of the API', async () => {
    const later = await openConsole(api.url, { now: () => now });
    api.requests.length = 0;
    await later.ask(`/endpoint?name=${name}`);
    expect(api.requests.length).toBeLessThan(15);
    api.requests.length = 0;
    await later.ask('/notice?reader=mail');
    expect(api.requests.length).toBeLessThan(25);
    await later.close();
  });

  it('says that a count covers the newest alone where a search has ended before the end', async () => {
    api.on('GET /deliveries', { body: { items: [delivery()], next: 'abc' } });
    const later = await openConsole(api.url, { now: () => now });
    expect(textIn((await later.ask(`/endpoint?name=${name}`)).body)).toContain('Deliveries waiting 1 among the newest');
    await later.close();
  });

  it('has all that fail, page by page, where they are many', async () => {
    const all = Array.from({ length: 250 }, (_, index) => ({ ...watch(), mailbox: `user${index}@example.com` }));
    api.on('GET /watches', ({ url }) => {
      const query = new URL(url, api.url).searchParams;
      const [from, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit'))];
      const end = from + limit;
      return { body: { items: all.slice(from, end), ...(end < all.length && { next: String(end) }) } };
    });
    const later = await openConsole(api.url, { now: () => now });
    const seen: string[] = [];
    let path: string | undefined = '/watches?only=failing';
    while (path !== undefined) {
      const { body }: { body: string } = await later.ask(path);
      const mailboxes = [...body.matchAll(/<bdi>(user[^<]*)<\/bdi>/g)].map(([, mailbox]) => mailbox!);
      expect(mailboxes.length).toBeLessThanOrEqual(30);
      seen.push(...mailboxes);
      path = /href="([^"]*)" rel="next"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
    }
    await later.close();
    expect(seen).toEqual(all.map(({ mailbox }) => mailbox));
  });

  it('searches a bounded number of watches for one that fails, and says so', async () => {
    api.on('GET /watches', () => {
      cursors += 1;
      return { body: { items: [{ ...watch(), health: undefined }], next: `c${cursors}` } };
    });
    const later = await openConsole(api.url, { now: () => now });
    api.requests.length = 0;
    const { body } = await later.ask('/watches?only=failing');
    await later.close();
    expect(api.requests).toHaveLength(10);
    expect(textIn(body)).toContain('None of these watches fails; the search goes on on the next page.');
    expect(body).toContain(`href="/watches?only=failing&amp;cursor=c${cursors}"`);
  });
});
