import * as z from 'zod/mini';
import { Partition } from '../table.ts';
import { toTransferRow, transferRange } from '../transfers/snapshot-rows.ts';
import { comparableState, watchKey } from '../transfers/transfer.ts';
import type { Answers } from './answers.ts';
import { type OperatorDependencies, operation } from './operation.ts';
import { cursorOf, type Paging, pageQuery, placeOf } from './page.ts';
import { badCursor } from './problem.ts';
import { existingWatch, watchParams } from './watches.ts';

/** Rows that one request reads at most, so that a rare state is looked for in steps. */
const mostRows = 2000;

/** Rows read at a time. */
const stride = 200;

type Transfer = Answers['listTransfers']['items'][number];

/**
 * One page of the transfers of a watch's snapshot, in the order of its rows, which is that of no property.
 *
 * @param isWanted of a state
 */
async function pageOf(partition: Partition, { limit, cursor }: Paging, isWanted: (state: string) => boolean) {
  const [first, end] = transferRange;
  const { after } = placeOf(cursor) ?? { after: first };
  if (typeof after !== 'string' || after < first || after >= end) throw badCursor();
  const items: Transfer[] = [];
  let last = after;
  for (let read = 0; read < mostRows; ) {
    // No key lies between another and the same with this character behind it.
    const { rows, last: more } = await partition.page(`${last}\u0000`, end, Math.min(stride, mostRows - read));
    read += rows.length;
    for (const row of rows) {
      last = row.sk;
      const { trackingId, state, observedAt, firstSeenAt, isUnlisted = false } = toTransferRow(row);
      if (!isWanted(state)) continue;
      items.push({ trackingId, state, since: observedAt, firstSeenAt, isListed: !isUnlisted });
      if (items.length === limit) return { items, next: cursorOf({ after: last }) };
    }
    if (more === undefined) return { items };
  }
  return { items, next: cursorOf({ after: last }) };
}

export const transferOperations = [
  operation({
    id: 'listTransfers',
    method: 'GET',
    path: '/watches/{direction}/{mailbox}/transfers',
    summary:
      'Lists the transfers that a watch knows, with their state and since when it is known, in no order; a page may be short, or empty, and still have a next one',
    params: watchParams,
    query: z.strictObject({ ...pageQuery, state: z.optional(z.string().check(z.minLength(1), z.maxLength(64))) }),
    status: 200,
    failures: [404],
    async run(deps: OperatorDependencies, { params: watch, query: { state, ...paging } }) {
      await existingWatch(deps, watch);
      const wanted = state === undefined ? undefined : comparableState(state);
      const { dynamo, table } = deps.transfers;
      return pageOf(
        new Partition(dynamo, table, watchKey(watch)),
        paging,
        (own) => wanted === undefined || comparableState(own) === wanted,
      );
    },
  }),
];
