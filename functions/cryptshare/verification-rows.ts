import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import { readVerification, type Verification } from './verification.ts';

const registry = 'VERIFICATIONS';

export const verificationKey = (mailbox: string): Key => ({ pk: registry, sk: mailbox });

/** Verifications in the transfers table: one row for each mailbox, under `VERIFICATIONS`. */
export class Verifications extends Partition.of(registry) {
  async find(mailbox: string): Promise<Verification | undefined> {
    const [row] = await this.range(mailbox, mailbox);
    return row && verificationOf(row);
  }

  /** Replaces a verification as it was read, or creates it; undefined when another writer was quicker. */
  async replace(read: Verification | undefined, next: Omit<Verification, 'rev'>): Promise<Verification | undefined> {
    const { mailbox, ...attributes } = next;
    const before = read?.rev ?? 0;
    const rev = before + 1;
    const isWritten = await this.put(mailbox, { ...attributes, rev }, unchangedSince(before));
    return isWritten ? { ...next, rev } : undefined;
  }
}

export const verificationOf = (row: Item): Verification => ({ mailbox: row.sk, ...readVerification(row) });
