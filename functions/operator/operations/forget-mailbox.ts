import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import pLimit from 'p-limit';
import type { Deadline } from '#functions/clock/instants.ts';
import { getRows, rowName } from '#functions/dynamodb/batch.ts';
import { type Cursor, CursorError, type TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { Problem } from '#functions/operator/api/problem.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { AddressFinder } from '#functions/transfers/address-finder.ts';
import { sharedPartition } from '#functions/watches/incident-rows.ts';
import { forgottenAt } from '#functions/watches/polled-watches.ts';
import { isDeclared } from '#functions/watches/watches.ts';
import { attemptsOf, deliveryKey, deliveryNameOf } from '#functions/webhooks/deliveries/delivery.ts';

/** Rows of a page, pages of a step, and rows changed at once: a step ends within seconds. */
const [pageSize, pagesPerStep, concurrency] = [250, 20, 8];

/** Kinds of rows by `pk`, or by the beginning of `sk`. */
const kinds: Readonly<Record<string, string>> = {
  ...{ WATCHES: 'watches', VERIFICATIONS: 'verifications', ROOT: 'snapshots', T: 'transfers' },
  ...{ EVENT: 'events', DELIVERY: 'deliveries', ATTEMPT: 'attempts', TASK: 'tasks' },
};

/** The mailbox that a row of the transfers table belongs to. */
const ownerForm = /^(?:VERIFICATIONS |(?:WATCHES [0-9a-f]{8}#)?(?:sent|received)#)(?<owner>\S+)/;

/**
 * Removes what is kept about a mailbox, in any spelling, from the next rows of both tables. Its watches come first.
 * The next tick deletes them under the lease of their shard, so that no poll writes a row back. Then rows about the mailbox
 * are deleted, and others that name it lose its name. Idempotent: a scan of all rows that finds nothing is the proof.
 *
 * @throws Problem if the configuration file declares the mailbox, CursorError for the cursor of another list
 */
export async function forgetMailbox(
  { tables, transfers: { watches }, webhooks: { steady } }: OperatorDependencies,
  mailbox: string,
  options: { readonly dryRun: boolean; readonly after: Cursor | undefined; readonly deadline: Deadline },
) {
  const { dryRun, after = { of: 'transfers' }, deadline } = options;
  const finder = new AddressFinder(mailbox);
  const found: Record<string, number> = {};
  const unremovable: string[] = [];
  let [scanned, place]: [number, Cursor | undefined] = [0, after];
  const registered = await watches.everOfMailbox(mailbox);
  if (registered.some(isDeclared))
    throw new Problem(409, 'the configuration file declares it: take it out, deploy or start again, then forget it');
  if (!dryRun) for (const watch of registered) await watches.remove(watch, forgottenAt);
  const isWaiting = !dryRun && registered.length > 0;
  // Read one page at least, otherwise repeated steps might never finish.
  for (let page = 0; !isWaiting && place && page < pagesPerStep && (page === 0 || steady() < deadline); page += 1) {
    const source: TableSource | undefined = tables[place.of as keyof typeof tables];
    if (!source) throw new CursorError('the cursor is that of another list');
    const { rows, next } = await scanPage(source, place);
    const isOrphan = await orphansAmong(source, rows);
    await pLimit(concurrency).map(rows, async (row) => {
      const rest = finder.without(row) as Item;
      const isAbout = finder.is(ownerOf(row)) || isOrphan(row) || rest.pk !== row.pk || rest.sk !== row.sk;
      if (!isAbout && rest === row) return;
      if (row.pk === 'ENDPOINTS') return void unremovable.push(`endpoint ${row.sk}`);
      const kind = isAbout ? (kinds[row.pk] ?? kinds[row.sk.split('#')[0]] ?? 'others') : 'mentions';
      found[kind] = (found[kind] ?? 0) + 1;
      // The next step has the tick delete a watch that was added again just now.
      if (dryRun || kind === 'watches') return;
      await (isAbout ? remove(source, row) : replace(source, row, rest));
    });
    scanned += rows.length;
    place = next ?? (place.of === 'transfers' ? { of: 'webhooks' } : undefined);
  }
  return { found, unremovable, scanned, isWaiting, next: place };
}

async function scanPage({ dynamo, table: TableName }: TableSource, { of = '', pk, sk }: Cursor) {
  const isKey = typeof pk === 'string' && typeof sk === 'string' && pk !== '' && sk !== '';
  if (!isKey && (pk ?? sk) !== undefined) throw new CursorError('the cursor is invalid');
  const start = isKey ? { ExclusiveStartKey: marshall({ pk, sk }) } : {};
  const scan = new ScanCommand({ TableName, ConsistentRead: true, Limit: pageSize, ...start });
  const { Items = [], LastEvaluatedKey: last } = await dynamo.send(scan);
  const next: Cursor | undefined = last && { of, ...unmarshall(last) };
  return { rows: Items.map((item): Item => unmarshall(item)), next };
}

/** The mailbox that a row is about: by its key, or by the event or digest that it holds. */
function ownerOf({ pk, sk, body }: Item): unknown {
  if (typeof body !== 'string') return ownerForm.exec(rowName({ pk, sk }))?.groups?.owner;
  const { data, mailbox } = (jsonOf(body) ?? {}) as { data?: { mailbox?: unknown }; mailbox?: unknown };
  return data?.mailbox ?? mailbox;
}

/** Finds attempts and tasks without deliveries: an attempt in flight may be recorded after its delivery is deleted. */
async function orphansAmong({ dynamo, table }: TableSource, rows: readonly Item[]) {
  const deliveries = new Map(rows.map((row) => [row, deliveriesOf(row)]));
  const found = await getRows(dynamo, table, [...deliveries.values()].flat());
  const there = new Set(found.flatMap((row) => (row ? [rowName(row)] : [])));
  return (row: Item) => deliveries.get(row)!.length > 0 && !deliveries.get(row)!.some((key) => there.has(rowName(key)));
}

/** Keys of the deliveries that a task names, or of an attempt's delivery, whose key lacks time and number. */
function deliveriesOf({ pk, sk, events = [] }: Item): Key[] {
  const [, endpoint = ''] = pk.split('#');
  if (sk.startsWith('TASK#')) return events.map((event: string) => deliveryKey({ event, endpoint }));
  return sk.startsWith('ATTEMPT#') ? [{ pk, sk: sk.replace(/^ATTEMPT(.*)#.*#.*$/, 'DELIVERY$1') }] : [];
}

/** Deletes a row; the attempts of a delivery first, because it leads to them after a crash. */
async function remove(source: TableSource, { pk, sk, lastAttempt }: Item): Promise<void> {
  const partition = new Partition(source, pk);
  const attempts = lastAttempt && attemptsOf(deliveryNameOf(sk));
  for (const row of attempts ? await partition.range(attempts, `${attempts}~`) : []) await partition.delete(row.sk);
  await partition.delete(sk);
}

/** Writes the changed attributes of a row, unless another process was quicker: then the next scan finds the row again. */
async function replace(source: TableSource, row: Item, without: Item): Promise<void> {
  const counter = row.rev === undefined ? 'healthRev' : 'rev';
  const isUnchanged = { condition: `#${counter} = :read`, names: [counter], values: { read: row[counter] } };
  const changed = Object.entries(without).filter(([name, value]) => value !== row[name]);
  // Count this as a change, otherwise a process that has read the row before would write the address back.
  if ((row.pk === sharedPartition || row.sk === 'DIGEST') && row.rev !== undefined) changed.push(['rev', row.rev + 1]);
  const condition = row[counter] === undefined ? { condition: 'attribute_exists(pk)' } : isUnchanged;
  await new Partition(source, row.pk).update(row.sk, Object.fromEntries(changed), condition);
}
