import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { sharedPartition } from './incident-rows.ts';

/** Among the rows that shards share, which each tick reads anyway. */
const chatsKey = 'server#chats';

/** Whether these rows say that no endpoint is a chat. Without that, notices reach the webhooks. */
export const hasNoChats = (rows: readonly Item[]): boolean =>
  rows.some(({ sk, isNone }) => sk === chatsKey && isNone === true);

/** The note that no endpoint is a chat, where polls find it: their notices then need not reach the webhooks. */
export class Chats extends Partition {
  constructor(client: DynamoDBClient, table: string) {
    super(client, table, sharedPartition);
  }

  /**
   * Takes the note away. Adding a chat does so before, so that a crash leaves no note, and after, so that a note written in
   * between by another process that saw no chat yet does not stay.
   */
  async expect(): Promise<void> {
    await this.update(chatsKey, 'SET isNone = :false ADD rev :one', { values: { false: false, one: 1 } });
  }

  /**
   * Writes the note, unless there is a chat, or another process adds one meanwhile.
   *
   * @param areThere looks for chats, in the table itself
   */
  async note(areThere: () => Promise<boolean>): Promise<void> {
    const [row] = await this.range(chatsKey, chatsKey);
    if (await areThere()) return this.expect();
    await this.update(chatsKey, 'SET isNone = :true ADD rev :one', {
      condition: row ? 'rev = :rev' : 'attribute_not_exists(pk)',
      values: { true: true, one: 1, ...(row && { rev: row.rev }) },
    });
  }
}
