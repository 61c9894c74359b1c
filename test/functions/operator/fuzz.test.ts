import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { operations } from '../../../functions/operator/operations.ts';
import { exampleEvent } from '../webhooks/webhook-world.ts';
import { type OperatorWorld, startOperatorWorld } from './operator-world.ts';

/** Requests tried; `SEED` repeats a run. */
const runs = 600;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
  await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
  await world.ask('POST', '/watches', { body: { mailbox: 'alice@example.com' } });
  await world.fanOut(exampleEvent('one'), exampleEvent('two'));
  return () => world.close();
});

const event = exampleEvent('one').id;
const known = ['crm', 'sent', 'received', 'alice%40example.com', event, '__proto__', 'constructor', '%00', '%', '..'];
const segment = fc.oneof(fc.constantFrom(...known), fc.string({ minLength: 1 }).map(encodeURIComponent));
const times = ['2026-11-24T00:00:00Z', '0000-01-01T00:00:00+14:00', '9999-12-31T23:59:59.999Z', '2026-02-30T00:00:00Z'];
const value = fc.oneof(
  fc.string(),
  fc.constantFrom(
    ...known,
    ...times,
    'HELD',
    'PENDING',
    'CLAIMED',
    'FAILED',
    '1',
    '20',
    '-1',
    '1e9',
    'NaN',
    'transfer.*',
  ),
);

const place = fc.dictionary(
  fc.constantFrom('pk', 'sk', 'day', 'at', 'due', 'dueAt', 'endpoint', 'eventAt', 'trackingId', 'key', '__proto__'),
  fc.oneof(
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.constantFrom('', 'crm', 'DUE#0', 'HELD#crm', '2026-11-24', ...times),
  ),
);
/** Cursors that are very nearly right. */
const nearPlace = fc.oneof(
  fc.record({ pk: value, sk: value, day: fc.constant('2026-11-24'), at: fc.constantFrom(...times) }),
  fc.record({ pk: value, sk: value, endpoint: fc.constant('crm'), eventAt: fc.constantFrom(...times) }),
  fc.record({ pk: value, sk: value, due: fc.constantFrom('DUE#0', 'HELD#crm'), dueAt: fc.double() }),
);
const cursor = fc.oneof(
  fc.oneof(place, nearPlace).map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')),
  fc.string(),
  fc.base64String(),
);

const names = ['endpoint', 'status', 'from', 'until', 'event', 'trackingId', 'type', 'after', 'wait', 'limit', 'other'];
const query = fc.oneof(
  fc.dictionary(fc.constantFrom(...names), value),
  fc
    .tuple(fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 2 }), cursor)
    .map(([rest, of]) => ({ ...rest, cursor: of })),
  cursor.map((of) => ({ cursor: of })),
);

const fields = [
  'mailbox',
  'direction',
  'name',
  'url',
  'types',
  'headers',
  'secret',
  'from',
  'until',
  'code',
  'because',
];
const body = fc.oneof(
  fc.jsonValue().map((one) => JSON.stringify(one)),
  fc
    .dictionary(fc.constantFrom(...fields, '__proto__'), fc.oneof(fc.jsonValue(), value))
    .map((one) => JSON.stringify(one)),
  fc.string(),
);

const path = fc.oneof(
  fc.constantFrom(...operations.map((operation) => operation.path)).chain((template) =>
    fc.array(segment, { minLength: 2, maxLength: 2 }).map((segments) => {
      let next = 0;
      return template.replaceAll(/\{\w+\}/g, () => segments[next++]!);
    }),
  ),
  fc.array(segment).map((segments) => `/${segments.join('/')}`),
);
const method = fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'TRACE', 'constructor');

test(`no request is answered with a fault of ours (SEED=${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      method,
      path,
      fc.option(query, { nil: undefined }),
      fc.option(body, { nil: undefined }),
      async (...asked) => {
        const [of, to, having, text] = asked;
        const { status, type } = await world.ask(of, to, {
          ...(having && { query: having }),
          ...(text !== undefined && { text }),
        });
        expect(status).not.toBe(500);
        if (status >= 400) expect(type).toBe('application/problem+json');
      },
    ),
    { numRuns: runs, seed },
  );
});

test(`no cursor is answered with a fault of ours, whatever list it is for (SEED=${seed})`, async () => {
  const lists = [
    ['/watches', {}],
    ['/endpoints', {}],
    ['/events', {}],
    ['/events', { trackingId: 'one' }],
    ['/events', { after: event }],
    ['/deliveries', {}],
    ['/deliveries', { endpoint: 'crm' }],
    ['/deliveries', { status: 'HELD' }],
    ['/deliveries', { status: 'PENDING' }],
    ['/deliveries', { event }],
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...lists), cursor, async ([list, rest], of) => {
      const { status } = await world.ask('GET', list, { query: { ...rest, cursor: of } });
      expect([200, 400, 404]).toContain(status);
    }),
    { numRuns: runs, seed },
  );
});
