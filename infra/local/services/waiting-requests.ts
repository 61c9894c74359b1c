import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** The part of the SDK's request handler that is used here. */
interface HandlerClass {
  checkSocketUsage(agent: unknown, warnedAt: number): number;
}

/**
 * Has requests to the services of this process wait for a socket without a word. The SDK takes it for a mistake when many do,
 * but with more sockets than its 50 a database of the same process would be no faster.
 *
 * @param client any one: all clients of the process share their class of handlers
 */
export function waitSilently({ config }: DynamoDBClient): void {
  (config.requestHandler.constructor as unknown as HandlerClass).checkSocketUsage = (_, warnedAt) => warnedAt;
}
