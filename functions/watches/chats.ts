import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { sharedPartition } from './incident-rows.ts';

/** Beside the rows that shards share, which each tick reads anyway. */
const chatsKey = 'server#chats';

/** True when these rows have the note that no endpoint is a chat. Without it, notices go to the webhooks. */
export const hasNoChats = (rows: readonly Item[]): boolean =>
  rows.some(({ sk, isNone }) => sk === chatsKey && isNone === true);

/** The note that no endpoint is a chat. It keeps the notices of polls away from the webhooks. */
export class Chats extends Partition {
  constructor(client: DynamoDBClient, table: string) {
    super(client, table, sharedPartition);
  }

  /** Removes the note before a chat is added, for a crash. Again after it, for a process that did not see it yet. */
  async expect(): Promise<void> {
    await this.update(chatsKey, { isNone: false, rev: randomUUID() }, {});
  }

  /** Writes the note unless `areThere` finds a chat in the table, or another process adds one at the same time. */
  async note(areThere: () => Promise<boolean>): Promise<void> {
    const [row] = await this.range(chatsKey, chatsKey);
    if (await areThere()) return this.expect();
    const isUnchanged = row ? { condition: 'rev = :rev', values: { rev: row.rev } } : unchangedSince(0);
    await this.update(chatsKey, { isNone: true, rev: randomUUID() }, isUnchanged);
  }
}
