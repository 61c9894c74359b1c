import * as z from 'zod/mini';
import { operation } from '#functions/operator/api/operation.ts';
import { pageOf, pageQuery } from '#functions/operator/api/page.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import { comparableState } from '#functions/transfers/transfer.ts';
import { transfersPage } from '#functions/watches/watch-states.ts';
import { existingWatch, onWatch, watchPath } from './watches.ts';

const shown = (transfer: TransferRow) => {
  const { trackingId, state, observedAt, firstSeenAt, isUnlisted } = transfer;
  return { trackingId, state, since: observedAt, firstSeenAt, isListed: !isUnlisted };
};

export const listTransfers = operation('listTransfers', `GET ${watchPath}/transfers`, {
  ...onWatch,
  query: z.strictObject({ ...pageQuery, state: z.optional(z.string().check(z.minLength(1), z.maxLength(64))) }),
  async run(deps, { params: watch, query: { state, ...paging } }) {
    const found = await existingWatch(deps, watch);
    const wanted = state && comparableState(state);
    const isWanted = (transfer: TransferRow) => wanted === undefined || comparableState(transfer.state) === wanted;
    const { items, next } = await pageOf(paging, (page) => transfersPage(deps.tables.transfers, found, page, isWanted));
    return { items: items.map(shown), next };
  },
});
