import * as z from 'zod/mini';
import type { Answers } from '#functions/operator/api/answers.ts';
import { operation } from '#functions/operator/api/operation.ts';
import { pageOf, pageQuery } from '#functions/operator/api/page.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import { comparableState } from '#functions/transfers/transfer.ts';
import { existingWatch, onWatch } from './watches.ts';

const shown = (transfer: TransferRow): Answers['listTransfers']['items'][number] => {
  const { trackingId, state, observedAt, firstSeenAt, isUnlisted } = transfer;
  return { trackingId, state, since: observedAt, firstSeenAt, isListed: !isUnlisted };
};

export const listTransfers = operation('listTransfers', {
  ...onWatch,
  method: 'GET',
  path: `${onWatch.path}/transfers`,
  summary:
    'Lists the transfers that a watch knows, with their state and since when it is known, in no order; a page may be short, or empty, and still have a next one',
  query: z.strictObject({ ...pageQuery, state: z.optional(z.string().check(z.minLength(1), z.maxLength(64))) }),
  async run(deps, { params: watch, query: { state, ...paging } }) {
    const found = await existingWatch(deps, watch);
    const wanted = state && comparableState(state);
    const isWanted = (transfer: TransferRow) => wanted === undefined || comparableState(transfer.state) === wanted;
    const { items, next } = await pageOf(paging, (page) => deps.transfers.states.transfersPage(found, page, isWanted));
    return { items: items.map(shown), next };
  },
});
