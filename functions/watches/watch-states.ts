import { verificationKey, verificationOf } from '#functions/cryptshare/verification-rows.ts';
import { getRows } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { baselineProgress, rootKey } from '#functions/snapshot/snapshot-rows.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';

const readRoot = r.rowOf({
  baselineAt: r.optional(r.text),
  baselineProgress: r.optional(baselineProgress),
  count: r.optional(r.number),
});

/** Reads snapshot and verification of each watch, as far as operators see them, in one call for all. */
export async function statesOf({ dynamo, table }: TableSource, watches: readonly Watch[]) {
  const roots = watches.map((watch) => ({ pk: watchKey(watch), sk: rootKey }));
  const verifications = watches.map(({ mailbox }) => verificationKey(mailbox));
  const rows = await getRows(dynamo, table, [...roots, ...verifications]);
  return roots.map((_, index) => {
    const [root, verification] = [rows[index], rows[roots.length + index]];
    return { snapshot: root && readRoot(root), verification: verification && verificationOf(verification) };
  });
}
