import * as z from 'zod/mini';
import type { Item } from '#functions/dynamodb/row.ts';
import type { Answers } from '#functions/operator/api/answers.ts';
import { operation } from '#functions/operator/api/operation.ts';
import { pageOf, pageQuery, rowsBetween } from '#functions/operator/api/page.ts';
import { toTransferRow, transferRange } from '#functions/snapshot/snapshot-rows.ts';
import { comparableState, watchKey } from '#functions/transfers/transfer.ts';
import { existingWatch, onWatch } from './watches.ts';

function shown(row: Item): Answers['listTransfers']['items'][number] {
  const { trackingId, state, observedAt, firstSeenAt, isUnlisted } = toTransferRow(row);
  return { trackingId, state, since: observedAt, firstSeenAt, isListed: !isUnlisted };
}

export const listTransfers = operation('listTransfers', {
  ...onWatch,
  method: 'GET',
  path: `${onWatch.path}/transfers`,
  summary:
    'Lists the known transfers of a watch with their state and its time, in no order; a short or empty page may have a next one',
  query: z.strictObject({ ...pageQuery, state: z.optional(z.string().check(z.minLength(1), z.maxLength(64))) }),
  async run(deps, { params: watch, query: { state, ...paging } }) {
    const key = watchKey(await existingWatch(deps, watch));
    const wanted = state && comparableState(state);
    const { rows, ...next } = await pageOf(
      deps.transfers,
      paging,
      [rowsBetween(key, ...transferRange)],
      (row) => wanted === undefined || comparableState(row.state) === wanted,
    );
    return { items: rows.map(shown), ...next };
  },
});
