import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * Silences the SDK's warning about requests that wait for a socket. More than its 50 would not make a database in the
 * same process faster.
 *
 * @param client any client, as all clients of the process share the class of their handlers
 */
export function waitSilently({ config }: DynamoDBClient): void {
  Reflect.set(config.requestHandler.constructor, 'checkSocketUsage', (_: unknown, warnedAt: number) => warnedAt);
}
