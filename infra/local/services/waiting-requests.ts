import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

interface HandlerClass {
  checkSocketUsage(agent: unknown, warnedAt: number): number;
}

/**
 * Silences the SDK's warning about many requests that wait for a socket. With more than its 50 sockets, a database in
 * the same process would be no faster.
 *
 * @param client any client, as all clients of the process share the class of their handlers
 */
export function waitSilently({ config }: DynamoDBClient): void {
  (config.requestHandler.constructor as unknown as HandlerClass).checkSocketUsage = (_, warnedAt) => warnedAt;
}
