import * as z from 'zod/mini';
import { rowsBetween } from '#functions/dynamodb/index-pages.ts';
import { operation } from '#functions/operator/api/operation.ts';
import { pageOf, pageQuery } from '#functions/operator/api/page.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import { toTransferRow, transferRange } from '#functions/snapshot/snapshot-rows.ts';
import { comparableState, watchKey } from '#functions/transfers/transfer.ts';
import { existingWatch, onWatch, watchPath } from './watches.ts';

export const shownTransfer = (transfer: TransferRow) => {
  const { trackingId, state, observedAt, firstSeenAt, isUnlisted } = transfer;
  return { trackingId, state, since: observedAt, firstSeenAt, isListed: !isUnlisted };
};

export const listTransfers = operation('listTransfers', `GET ${watchPath}/transfers`, {
  ...onWatch,
  query: z.strictObject({ ...pageQuery, state: z.optional(z.string().check(z.minLength(1), z.maxLength(64))) }),
  async run(deps, { params: watch, query: { state, ...paging } }) {
    const found = await existingWatch(deps, watch);
    const wanted = state && comparableState(state);
    const ranges = [rowsBetween(watchKey(found), ...transferRange)];
    const isWanted = (transfer: TransferRow) => wanted === undefined || comparableState(transfer.state) === wanted;
    const { items, next } = await pageOf(deps.tables.transfers, { ranges, read: toTransferRow, isWanted }, paging);
    return { items: items.map(shownTransfer), next };
  },
});
