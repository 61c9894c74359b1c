import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { cursorOf } from '#functions/operator/api/page.ts';
import { operations } from '#functions/operator/operations.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

/** Requests tried in each test; `SEED` repeats a run. */
const runs = 500;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);

let world: OperatorWorld;
/** Statuses that were answered, to see that requests get beyond the first check. */
const statuses = new Set<number>();
beforeAll(async () => {
  world = await startOperatorWorld();
  world.cryptshare.verifications.registerClientId(clientId);
  await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
  await world.ask('POST', '/watches', { body: { mailbox: 'alice@example.com' } });
  await world.fanOut(exampleEvent('one'), exampleEvent('two'));
  return () => world.close();
});

const event = exampleEvent('one').id;
const times = [
  '2026-11-24T00:00:00Z',
  '2026-11-25T00:00:00.000+01:00',
  '0000-01-01T00:00:00+14:00',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-14:00',
  '2026-02-30T00:00:00Z',
];
const statusNames = ['HELD', 'PENDING', 'CANCELLED', 'FAILED', 'DELIVERED'];
const odd = ['', '__proto__', 'constructor', '\0', '%', '..', 'ä', '\ud800', '-1', '1e9', 'NaN', 'null'];

/** Mostly a fitting text, sometimes any. */
const near = <T>(...good: readonly T[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
    { weight: 1, arbitrary: fc.string() },
  );

/** Values of a path or a query by name. */
const texts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  direction: near('sent', 'received'),
  mailbox: near('alice@example.com', 'bob@example.com'),
  name: near('crm', 'other'),
  endpoint: near('crm', 'other'),
  subscriber: near('crm', 'other'),
  event: near(event, 'evt_unknown'),
  id: near(event, 'evt_unknown'),
  status: near(...statusNames),
  from: near(...times),
  until: near(...times),
  trackingId: near('one', 'nothing'),
  type: near('transfer.failed', 'transfer.*', 'watch.*,transfer.active'),
  state: near('ACTIVE', 'deleted by expiration'),
  after: near(event, ...times),
  all: near('true', 'false'),
  resends: near('true', 'false'),
  waitSeconds: near('0', '1'),
  limit: near('1', '2', '100', '0'),
};

const some = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 7, arbitrary }, { weight: 1, arbitrary: fc.jsonValue() });

/** Values of a body by name. */
const fields: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  mailbox: some(texts.mailbox!),
  direction: some(texts.direction!),
  notifyExisting: some(fc.boolean()),
  pollIntervalMs: some(fc.option(fc.oneof(fc.integer({ min: 1000, max: 86_400_000 }), fc.double()))),
  follow: some(fc.option(fc.array(near('downloads', 'overdue')))),
  overdueBeforeMs: some(fc.option(fc.oneof(fc.integer({ min: 3_600_000, max: 2_592_000_000 }), fc.double()))),
  watches: some(
    fc.array(fc.record({ mailbox: some(texts.mailbox!), direction: some(texts.direction!) }, { requiredKeys: [] })),
  ),
  code: some(near('AAAAAAAAAA')),
  name: some(texts.name!),
  url: some(
    near(
      'http://127.0.0.1:1/',
      'mailto:ops@example.com',
      'https://example.com/?token=1',
      'http://[::1',
      'https://user:word@example.com',
    ),
  ),
  types: some(fc.array(near('transfer.*', 'watch.failing'))),
  mailboxes: some(fc.option(fc.array(texts.mailbox!))),
  directions: some(fc.option(fc.array(texts.direction!))),
  format: some(near('event', 'template', 'slack', 'teams', 'email')),
  reader: some(
    fc.record(
      {
        language: some(near('en', 'de')),
        timeZone: some(near('UTC', 'Europe/Berlin')),
        when: some(near('at once', 'hourly', 'daily at 07:30', 'weekly on monday at 07:30')),
        urgent: some(fc.array(near('transfer.*', 'watch.failing'))),
        quiet: some(fc.array(near('sunday', '22:00-07:00', '07:00-22:00'))),
        evenIfEmpty: some(fc.boolean()),
      },
      { requiredKeys: [] },
    ),
  ),
  template: some(fc.dictionary(fc.string(), near('{{id}}', '{{data.none}}', '{{KEY}}'))),
  variables: some(fc.dictionary(near('KEY'), fc.string())),
  headers: some(fc.dictionary(near('x-tenant', 'host'), near('seven'))),
  retryDelaysMs: some(fc.array(fc.oneof(fc.integer(), fc.constant(5000)))),
  maxInFlight: some(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.double())),
  secret: some(near('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')),
  isAsymmetric: some(fc.boolean()),
  because: some(near('moves house')),
  overlapSeconds: some(fc.oneof(fc.nat(), fc.double())),
  from: some(texts.from!),
  until: some(texts.until!),
  dryRun: some(fc.boolean()),
  perSecond: some(fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer())),
};

/** Some of the names of a schema, and rarely another. */
const partOf = <T>(names: readonly string[], arbitraries: Readonly<Record<string, fc.Arbitrary<T>>>) =>
  fc
    .tuple(
      fc.record(Object.fromEntries(names.map((name) => [name, arbitraries[name]!])), { requiredKeys: [] }),
      fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constant({ colour: 'red' }) }),
    )
    .map(([known, unknown]) => ({ ...known, ...unknown }));

const namesIn = (schema: object | undefined): string[] =>
  Object.keys((schema as { shape?: object } | undefined)?.shape ?? {}).filter((name) => name !== 'cursor');

const json = (value: unknown): string => JSON.stringify(value);

const request = fc.constantFrom(...operations).chain((operation) => {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  return fc.record({
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constant<string>(operation.method) },
      { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'HEAD', 'OPTIONS', 'TRACE', 'constructor') },
    ),
    path: fc.tuple(...names.map((name) => texts[name]!)).map((parts) =>
      // Half a surrogate pair has no escape.
      names.reduce(
        (path, name, index) => path.replace(`{${name}}`, encodeURIComponent(parts[index]!.toWellFormed())),
        operation.path,
      ),
    ),
    query: partOf<string>(namesIn(operation.query), texts),
    text: fc.oneof(
      { weight: 8, arbitrary: partOf(namesIn(operation.body), fields).map(json) },
      { weight: 1, arbitrary: fc.jsonValue().map(json) },
      { weight: 1, arbitrary: fc.string() },
    ),
  });
});

const anywhere = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  path: fc.array(fc.oneof(fc.string(), fc.constantFrom(...odd))).map((parts) => `/${parts.join('/')}`),
});

const lists: readonly (readonly [path: string, query: Record<string, string>])[] = [
  ['/watches', {}],
  ['/endpoints', {}],
  ['/events', {}],
  ['/events', { trackingId: 'one' }],
  ['/events', { after: '2026-11-23T00:00:00Z' }],
  ['/deliveries', {}],
  ['/deliveries', { endpoint: 'crm' }],
  ['/deliveries', { status: 'HELD' }],
  ['/deliveries', { status: 'PENDING' }],
  ['/deliveries', { event }],
];

const id = near(`EVENT#${event}`, 'EVENT', 'DELIVERY#crm', 'ENDPOINTS');
const at = near(...times, '2026-11-24T00:00:00.000Z');
/** Almost right cursors of each kind of list, and other texts. */
const cursor = fc.oneof(
  fc
    .oneof(
      fc.record({ pk: near('ENDPOINTS', 'WATCHES'), sk: near('crm', '01234567#sent#alice@example.com') }),
      fc.record({ pk: id, sk: id, day: near('2026-11-24'), at }),
      fc.record({ pk: id, sk: id, trackingId: near('one'), at }),
      fc.record({ pk: id, sk: id, endpoint: near('crm'), eventAt: at }),
      fc.record({ pk: id, sk: id, due: near('DUE#0', 'HELD#crm'), dueAt: fc.oneof(fc.double(), fc.nat()) }),
      fc.dictionary(fc.constantFrom('pk', 'sk', '__proto__'), fc.jsonValue()),
      fc.jsonValue(),
    )
    .map((place) => Buffer.from(json(place)).toString('base64url')),
  fc.string(),
  fc.base64String(),
);

describe('operatorHandler', () => {
  it(`answers no request with 500 (SEED=${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 9, arbitrary: request }, { weight: 1, arbitrary: anywhere }),
        async ({ method, path, ...question }) => {
          const { status, type } = await world.ask(method, path, question);
          statuses.add(status);
          expect(status).not.toBe(500);
          if (status >= 400) expect(type).toBe('application/problem+json');
        },
      ),
      { numRuns: runs, seed },
    );
    expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 404]));
  });

  it(`answers no cursor with 500 in any list (SEED=${seed})`, async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
    const answered = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...lists), cursor, async ([path, query], of) => {
        const { status } = await world.ask('GET', path, { query: { ...query, cursor: of } });
        answered.add(status);
        expect([200, 400]).toContain(status);
      }),
      // At least one good cursor.
      { numRuns: runs, seed, examples: [[['/endpoints', {}], cursorOf({ pk: 'ENDPOINTS', sk: 'crm' })]] },
    );
    expect([...answered].toSorted()).toEqual([200, 400]);
  });
});
