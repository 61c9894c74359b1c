import { verificationKey, verificationOf } from '#functions/cryptshare/verification-rows.ts';
import { getRows, rowName } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { baselineProgress, rootKey } from '#functions/snapshot/snapshot-rows.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';

const readRoot = r.rowReader(
  r.object({
    baselineAt: r.optional(r.text),
    baselineProgress: r.optional(baselineProgress),
    count: r.optional(r.number),
  }),
);

/** Reads snapshot and verification of each watch, as far as operators see them, in one call for all. */
export async function statesOf({ dynamo, table }: TableSource, watches: readonly Watch[]) {
  const rootOf = (watch: Watch) => ({ pk: watchKey(watch), sk: rootKey });
  const keys = watches.flatMap((watch) => [rootOf(watch), verificationKey(watch.mailbox)]);
  const rows = await getRows(dynamo, table, keys);
  return watches.map((watch) => {
    const root = rows.get(rowName(rootOf(watch)));
    const verification = rows.get(rowName(verificationKey(watch.mailbox)));
    return { snapshot: root && readRoot(root), verification: verification && verificationOf(verification) };
  });
}
