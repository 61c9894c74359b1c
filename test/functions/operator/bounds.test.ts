import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { Watches } from '#functions/watches/watches.ts';
import { attemptKey, deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';
import { exampleEvent, webhooksTable } from '#test/support/webhook-world.ts';

const world = await startOperatorWorld();
afterAll(() => world.close());

const event = exampleEvent('one').id;
const endpoints = Array.from({ length: 260 }, (_, index) => `endpoint-${String(index).padStart(3, '0')}`);

/** Limit of calls to DynamoDB for a page: what grows with a list needs more. */
const fewCalls = 8;

/** Adds many endpoints, with a delivery of one event to each. */
async function addMany(): Promise<void> {
  await world.ask('POST', '/endpoints', { body: { name: endpoints[0]!, url: world.urlOf('crm') } });
  await world.fanOut(exampleEvent('one'));
  const others = endpoints.slice(1);
  await Promise.all(others.map((name) => addEndpoint(world.deps, name, { url: world.urlOf(name) })));
  await addDeliveries(event, eventBody(exampleEvent('one')), others);
}

/** Adds deliveries of an event like the first delivery of all. */
async function addDeliveries(id: string, body: string, names: readonly string[]): Promise<void> {
  const [delivery] = (await world.trace(event)).deliveries;
  const { day, listedAt, ...row } = delivery as unknown as Record<string, unknown>;
  const rows = names.map((endpoint) => ({ ...row, body, ...deliveryKey({ event: id, endpoint }) }));
  await putRows(world.dynamo, webhooksTable, rows);
}

/** Counts the rows that queries read until the test has finished. */
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
  onTestFinished(() => void world.dynamo.middlewareStack.remove('rows'));
  return () => rows;
}

/** Reads a whole list; `mostCalls` is the largest number of calls to DynamoDB for one page. */
async function whole(path: string, query: Record<string, string>, nameOf: (item: Record<string, string>) => unknown) {
  let mostCalls = 0;
  const pages = await world.pages(path, query, async (...question) => {
    const plan = new FaultPlan();
    const answer = await world.faults.run(plan, () => world.ask(...question));
    mostCalls = Math.max(mostCalls, plan.calls.length);
    return answer;
  });
  return { names: pages.flat().map(nameOf), mostCalls };
}

describe('operator API with 260 endpoints', () => {
  beforeAll(addMany);

  it('reads a page of endpoints by a few calls', async () => {
    const { names, mostCalls } = await whole('/endpoints', { limit: '100' }, ({ name }) => name);
    expect(names).toEqual(endpoints);
    expect(mostCalls).toBeLessThanOrEqual(fewCalls);
  });

  it.each<Record<string, string>>([{ event }, { trackingId: 'one' }])(
    'reads a page of the deliveries of %o by a few calls',
    async (query) => {
      const { names, mostCalls } = await whole('/deliveries', { ...query, limit: '100' }, ({ endpoint }) => endpoint);
      expect(names).toEqual(endpoints);
      expect(mostCalls).toBeLessThanOrEqual(fewCalls);
    },
  );

  it('shows an event with its first deliveries, and says that there are more', async () => {
    const { body } = await world.ask('GET', `/events/${event}`);
    expect(body.deliveries).toHaveLength(50);
    expect(body.hasMoreDeliveries).toBe(true);
  });

  it('lists the events of a transfer by some of the deliveries of each', async () => {
    const others = [2, 3].map((sequence) => exampleEvent('one', sequence));
    for (const other of others) await addDeliveries(other.id, eventBody(other), endpoints);
    const rows = countRows();
    const { body } = await world.ask('GET', '/events', { query: { trackingId: 'one' } });
    expect(body.items.map(({ id }) => id).toSorted()).toEqual([event, ...others.map(({ id }) => id)].toSorted());
    expect(rows()).toBeLessThanOrEqual(3 * 26);
  });

  it('shows a delivery by reading its own rows alone', async () => {
    const rows = countRows();
    const { status, body } = await world.ask('GET', `/deliveries/${event}/${endpoints[200]}`);
    expect({ status, endpoint: body.endpoint }).toEqual({ status: 200, endpoint: endpoints[200] });
    expect(rows()).toBeLessThanOrEqual(3);
  });

  it('ends a page without rows after 200 queries, and continues with the next page', async () => {
    const { names, mostCalls } = await whole('/deliveries', { status: 'HELD', limit: '1' }, ({ endpoint }) => endpoint);
    expect(names).toEqual([]);
    expect(mostCalls).toBeLessThanOrEqual(201);
  });
});

describe('operator API with many rows', () => {
  it('shows a delivery with its last 50 attempts in order', async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
    const { id } = exampleEvent('attempted');
    await world.fanOut(exampleEvent('attempted'));
    const rows = Array.from({ length: 60 }, (_, index) => {
      const startedAt = `2026-11-24T00:00:${String(index).padStart(2, '0')}.000Z`;
      const attempt = { attempt: index, startedAt, durationMs: 1, outcome: 'failed' };
      return { ...attemptKey({ event: id, endpoint: 'crm' }, attempt), ...attempt };
    });
    await putRows(world.dynamo, webhooksTable, rows);
    // The last attempt has its own row already: the process died before it stored the next one in its place.
    const delivery = (await world.trace(id)).deliveries.find(({ endpoint }) => endpoint === 'crm');
    const step = { status: 'PENDING', attempt: 60, nextAttemptAt: 0 } as const;
    const lastAttempt = rows.at(-1)!;
    await world.deps.deliveries.step(delivery!, step, 0, { lastAttempt });
    const { body } = await world.ask('GET', `/deliveries/${id}/crm`);
    const shown = (body.attempts as { attempt: number }[]).map(({ attempt }) => attempt);
    expect(shown).toEqual(Array.from({ length: 50 }, (_, index) => index + 10));
  });

  it('reads a page of 260 watches by a few calls', async () => {
    const mailboxes = Array.from({ length: 130 }, (_, index) => `m${String(index).padStart(3, '0')}@example.com`);
    const wanted = mailboxes.flatMap((mailbox) => [
      { mailbox, direction: 'sent' as const },
      { mailbox, direction: 'received' as const },
    ]);
    await new Watches({ dynamo: world.dynamo, table: transfersTable }).declare(
      wanted,
      false,
      '2026-11-24T00:00:00.000Z',
    );
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
});
