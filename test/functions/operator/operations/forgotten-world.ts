import { BatchWriteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { batchesOf, putRows } from '#functions/dynamodb/batch.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { incidentEvent, type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { type OperatorWorld, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';
import { webhooksTable } from '#test/support/webhook-world.ts';

export const alice = 'alice@example.com';
/** Addresses that have the forgotten one as a part, or look like it. */
export const neighbours = ['xalice@example.com', 'alice@example.com.de', 'alice+x@example.com'] as const;

const tables = { transfers: transfersTable, webhooks: webhooksTable } as const;
const at = '2026-11-24T00:00:00.000Z';

/** An incident with the mailbox among its examples, before one of its neighbours. */
export const size = { watches: 9, mailboxes: 7, examples: ['Alice@Example.com', neighbours[0]] };
const cause = { cause: 'outage', message: 'the server does not know alice@example.com' };
const incident = incidentEvent('https://x.example', 'watch.many_failing', { ...cause, ...size, failingSince: at }, at);

/** Shared rows that name the mailbox, in several spellings. */
const sharedRows: readonly Item[] = [
  {
    sk: 'server#incident#outage',
    ...{ rev: 3, from: at, until: at, told: { ...cause, ...size, failingSince: at }, isOver: true },
  },
  {
    sk: 'shard#7',
    rev: 4,
    shards: 9,
    failing: { outage: { all: size, told: 0 } },
    leases: { dead: { since: 1, until: 2, slots: 1, watches: ['sent#ALICE@example.com'] } },
  },
].map((row) => ({ pk: 'SHARDS', ...row }));

/** Rows that a former version, or a crash, has left in another spelling. */
const strayRows: readonly Item[] = [
  { pk: 'VERIFICATIONS', sk: 'ALICE@EXAMPLE.COM', rev: 1, method: 'email' },
  { pk: 'sent#ALICE@example.com', sk: 'T#0000#stray', rev: 1, state: 'ACTIVE' },
  { pk: 'sent#ALICE@example.com', sk: 'ROOT', rev: 1, bits: 0 },
];

/** The plan of a digest that a process has left in its middle: about the mailbox and a neighbour. */
const unfinishedPlan: Item = {
  ...{ pk: 'ENDPOINT#left', sk: 'DIGEST', rev: 2, toldUntil: 1, counts: JSON.stringify(countsOf('Alice@example.com')) },
  open: {
    ...{ id: 'dig_left', endpointSince: at, at, members: [] },
    body: JSON.stringify({ id: 'dig_left', counts: countsOf(alice), told: [], events: 2 }),
  },
};

function countsOf(mailbox: string) {
  return [mailbox, neighbours[1]].map((one) => ({
    type: 'transfer.failed',
    mailbox: one,
    direction: 'sent',
    count: 1,
  }));
}

/** Full data of a mailbox and its neighbours: watches, snapshots, events, digests, deliveries, attempts and tasks. */
export async function startForgottenWorld() {
  const world = await startOperatorWorld();
  world.cryptshare.verifications.registerClientId(clientId);
  for (const mailbox of [alice, ...neighbours]) {
    for (const direction of ['sent', 'received'])
      await world.ask('POST', '/watches', { body: { mailbox, direction, pollIntervalMs: 86_400_000 } });
    world.cryptshare.transfers.seed({ sender: mailbox, to: ['bob@example.org'], count: 2, state: 'ACTIVE' });
  }
  const tick = () => tickOf(world);
  await tick();
  await tick();
  for (const [name, more] of [
    ['crm', {}],
    ['failing', {}],
    ['held', {}],
    ['ops', { format: 'slack', reader: { when: 'every minute' } }],
  ] as const)
    await world.ask('POST', '/endpoints', {
      body: { name, url: world.urlOf(name), types: ['transfer.*', 'watch.*'], ...more },
    });
  world.setAnswer(({ path }) => ({ status: path === '/failing' ? 500 : 204 }));
  await world.fanOut(...[alice, ...neighbours].map((mailbox) => eventOf(mailbox, 'early')));
  await fanOut(world.deps, [{ body: JSON.stringify(incident) }]);
  for (let round = 0; round < 4; round += 1) {
    await world.answerWakeUps();
    world.clock.advance(400_000);
    await world.sweep();
  }
  await world.ask('POST', '/endpoints/held/pause');
  await world.fanOut(...[alice, ...neighbours].map((mailbox) => eventOf(mailbox, 'late')));
  await world.answerWakeUps();
  await world.fanOut(eventOf('ALICE@EXAMPLE.COM', 'untried'));
  await world.takeWakeUps();
  await world.deps.leases.leaveTask('failing', [eventOf(alice, 'late').id], world.clock.now().getTime());
  await putRows(world.dynamo, transfersTable, [...sharedRows, ...strayRows]);
  await putRows(world.dynamo, webhooksTable, [unfinishedPlan]);
  return world;
}

export async function tickOf(world: OperatorWorld, after = 60_000): Promise<void> {
  world.clock.advance(after);
  await world.functions.get('poll')!({ shard: 0, at: world.clock.now().toISOString() });
}

export const eventOf = (mailbox: string, trackingId: string): TransferEvent =>
  transferEvent(
    'https://x.example',
    { mailbox, direction: 'sent' },
    { trackingId: `${trackingId}-${mailbox.length}`, state: 'FAILED', previousState: 'ACTIVE', sequence: 1 },
    at,
  );

/** All rows of a table. */
export async function rowsOf({ dynamo }: OperatorWorld, table: keyof typeof tables): Promise<Item[]> {
  const { Items = [], LastEvaluatedKey } = await dynamo.send(new ScanCommand({ TableName: tables[table] }));
  if (LastEvaluatedKey) throw new Error('there are more rows than one page');
  return Items.map((item) => unmarshall(item));
}

/** Makes the rows of both tables those of an earlier time. */
export async function restore(world: OperatorWorld, rows: Readonly<Record<keyof typeof tables, readonly Item[]>>) {
  for (const [name, table] of Object.entries(tables) as ['transfers' | 'webhooks', string][]) {
    const keyOf = ({ pk, sk }: Item) => JSON.stringify([pk, sk]);
    const present = new Map((await rowsOf(world, name)).map((row) => [keyOf(row), row]));
    const changed = rows[name].filter((row) => JSON.stringify(row) !== JSON.stringify(present.get(keyOf(row))));
    for (const row of rows[name]) present.delete(keyOf(row));
    const deletions = [...present.values()].map(({ pk, sk }) => ({ DeleteRequest: { Key: marshall({ pk, sk }) } }));
    for (const batch of batchesOf(deletions, 25))
      await world.dynamo.send(new BatchWriteItemCommand({ RequestItems: { [table]: batch } }));
    await putRows(world.dynamo, table, changed);
  }
}

/** Rows that name the mailbox in any case, and not as a part of a neighbour's; found by other means than the code. */
export const naming = (rows: readonly Item[]): Item[] =>
  rows.filter((row) => /(?<![\w+])alice@example\.com(?!\.de)/i.test(JSON.stringify(row).replaceAll(/\\+["n]/g, ' ')));

/** One run over all rows, with ticks while watches are left. */
export async function runOnce(world: OperatorWorld, body: object = {}, mailbox = alice) {
  const found: Record<string, number> = {};
  const unremovable: string[] = [];
  let [scanned, steps, next] = [0, 0, undefined as string | undefined];
  do {
    const answer = await world.ask('POST', `/mailboxes/${encodeURIComponent(mailbox)}/forget`, {
      body: { ...body, ...(next && { cursor: next }) },
    });
    if (answer.status !== 200) throw new Error(`answered ${JSON.stringify(answer.body)}`);
    if (answer.body.isWaiting) await tickOf(world);
    for (const [kind, rows] of Object.entries(answer.body.found as typeof found))
      found[kind] = (found[kind] ?? 0) + rows;
    unremovable.push(...(answer.body.unremovable as string[]));
    scanned += answer.body.scanned as number;
    next = answer.body.next;
    steps += 1;
  } while (next !== undefined && steps < 50);
  return { found, unremovable, scanned };
}

/** Runs until one finds nothing; a number of runs that says how many it took. */
export async function forget(world: OperatorWorld): Promise<number> {
  for (let runs = 1; runs < 6; runs += 1) {
    const { found } = await runOnce(world);
    if (Object.keys(found).length === 0) return runs;
  }
  throw new Error('the mailbox is never forgotten');
}
