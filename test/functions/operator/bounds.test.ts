import { beforeEach, describe, expect, test } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { Watches } from '#functions/watches/watches.ts';
import { attemptKey, deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { type OperatorWorld, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';
import { exampleEvent, webhooksTable } from '#test/support/webhook-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const event = exampleEvent('one').id;
const endpoints = Array.from({ length: 260 }, (_, index) => `endpoint-${String(index).padStart(3, '0')}`);

/** Calls to DynamoDB that one page of a list is worth; whatever grows with a list is more. */
const fewCalls = 8;

/** Adds many endpoints, with a delivery of one event to each. */
async function addMany(): Promise<void> {
  await world.ask('POST', '/endpoints', { body: { name: endpoints[0]!, url: world.urlOf('crm') } });
  await world.fanOut(exampleEvent('one'));
  const others = endpoints.slice(1);
  await Promise.all(others.map((name) => addEndpoint(world.deps, name, { url: world.urlOf(name) })));
  await addDeliveries(event, eventBody(exampleEvent('one')), others);
}

/** Adds deliveries of an event, as the first one of them all is. */
async function addDeliveries(id: string, body: string, names: readonly string[]): Promise<void> {
  const [delivery] = (await world.trace(event)).deliveries;
  const { day, listedAt, ...row } = delivery as unknown as Record<string, unknown>;
  const rows = names.map((endpoint) => ({ ...row, body, ...deliveryKey({ event: id, endpoint }) }));
  await putRows(world.dynamo, webhooksTable, rows);
}

/** Counts the rows that queries read from now on. */
function countRows(): () => number {
  let rows = 0;
  world.dynamo.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      rows += (result.output as { Count?: number }).Count ?? 0;
      return result;
    },
    { step: 'initialize', name: 'rows' },
  );
  return () => rows;
}

/** Everything that a list has, and how many rows its longest request has read. */
async function whole(path: string, query: Record<string, string>, nameOf: (item: Record<string, string>) => unknown) {
  const names: unknown[] = [];
  let mostCalls = 0;
  let cursor: string | undefined;
  do {
    const plan = new FaultPlan();
    const { status, body } = await world.faults.run(plan, () =>
      world.ask('GET', path, { query: { ...query, ...(cursor && { cursor }) } }),
    );
    expect(status).toBe(200);
    names.push(...body.items.map(nameOf));
    mostCalls = Math.max(mostCalls, plan.calls.length);
    cursor = body.next;
  } while (cursor);
  return { names, mostCalls };
}

describe('however many endpoints there are', () => {
  beforeEach(addMany);

  test('each page of them is read by a few calls', async () => {
    const { names, mostCalls } = await whole('/endpoints', { limit: '100' }, ({ name }) => name);
    expect(names).toEqual(endpoints);
    expect(mostCalls).toBeLessThanOrEqual(fewCalls);
  });

  test.each<Record<string, string>>([{ event }, { trackingId: 'one' }])(
    'the deliveries of an event or a transfer are listed page by page, by a few calls each: %o',
    async (query) => {
      const { names, mostCalls } = await whole('/deliveries', { ...query, limit: '100' }, ({ endpoint }) => endpoint);
      expect(names).toEqual(endpoints);
      expect(mostCalls).toBeLessThanOrEqual(fewCalls);
    },
  );

  test('an event is shown with the first of its deliveries, and says that there are more', async () => {
    const { body } = await world.ask('GET', `/events/${event}`);
    expect(body.deliveries).toHaveLength(50);
    expect(body.hasMoreDeliveries).toBe(true);
  });

  test('the events of a transfer are listed by reading some of the deliveries of each', async () => {
    const others = [2, 3].map((sequence) => exampleEvent('one', sequence));
    for (const other of others) await addDeliveries(other.id, eventBody(other), endpoints);
    const rows = countRows();
    const { body } = await world.ask('GET', '/events', { query: { trackingId: 'one' } });
    expect(body.items.map(({ id }) => id).toSorted()).toEqual([event, ...others.map(({ id }) => id)].toSorted());
    expect(rows()).toBeLessThanOrEqual(3 * 26);
  });

  test('one delivery is shown by reading its own rows alone', async () => {
    const rows = countRows();
    const { status, body } = await world.ask('GET', `/deliveries/${event}/${endpoints[200]}`);
    expect({ status, endpoint: body.endpoint }).toEqual({ status: 200, endpoint: endpoints[200] });
    expect(rows()).toBeLessThanOrEqual(3);
  });

  test('a list without any row ends after 200 queries, and goes on with the next page', async () => {
    const { names, mostCalls } = await whole('/deliveries', { status: 'HELD', limit: '1' }, ({ endpoint }) => endpoint);
    expect(names).toEqual([]);
    expect(mostCalls).toBeLessThanOrEqual(201);
  });
});

test('a delivery that was attempted many times is shown with its last 50 attempts, in their order', async () => {
  await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
  await world.fanOut(exampleEvent('one'));
  const rows = Array.from({ length: 60 }, (_, index) => {
    const startedAt = `2026-11-24T00:00:${String(index).padStart(2, '0')}.000Z`;
    const attempt = { attempt: index, startedAt, durationMs: 1, outcome: 'failed' };
    return { ...attemptKey({ event, endpoint: 'crm' }, attempt), ...attempt };
  });
  await putRows(world.dynamo, webhooksTable, rows);
  // Its last one has a row of its own already: the process that was about to put the next one in its place has died.
  const [delivery] = (await world.trace(event)).deliveries;
  const step = { status: 'PENDING', attempt: 60, nextAttemptAt: 0 } as const;
  const lastAttempt = rows.at(-1)!;
  await world.deps.deliveries.step(delivery!, step, 0, { lastAttempt });
  const { body } = await world.ask('GET', `/deliveries/${event}/crm`);
  const shown = (body.attempts as { attempt: number }[]).map(({ attempt }) => attempt);
  expect(shown).toEqual(Array.from({ length: 50 }, (_, index) => index + 10));
});

test('however many watches there are, each page of them is read by a few calls', async () => {
  const mailboxes = Array.from({ length: 130 }, (_, index) => `m${String(index).padStart(3, '0')}@example.com`);
  const wanted = mailboxes.flatMap((mailbox) => [
    { mailbox, direction: 'sent' as const },
    { mailbox, direction: 'received' as const },
  ]);
  await new Watches(world.dynamo, transfersTable).declare(wanted, false, '2026-11-24T00:00:00.000Z');
  const { names, mostCalls } = await whole(
    '/watches',
    { limit: '50' },
    ({ mailbox, direction }) => `${direction} ${mailbox}`,
  );
  expect(names.toSorted()).toEqual([
    ...mailboxes.map((mailbox) => `received ${mailbox}`),
    ...mailboxes.map((mailbox) => `sent ${mailbox}`),
  ]);
  expect(mostCalls).toBeLessThanOrEqual(fewCalls);
});
