import { Partition } from '#functions/dynamodb/partition.ts';
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
  async replace(read: Verification | undefined, { mailbox, ...row }: Omit<Verification, 'rev'>) {
    const next = await this.putNext(mailbox, read, row);
    return next && { mailbox, ...next };
  }
}

export const verificationOf = (row: Item): Verification => ({ mailbox: row.sk, ...readVerification(row) });
