import { readPollEnvironment } from '#functions/lambda/environment.ts';
import { handlerOf } from '#functions/lambda/handler.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics } from '#functions/lambda/metrics.ts';
import { whenInvoked } from '#functions/lambda/secret.ts';
import { pollDependencies, type Supervision } from './dependencies.ts';
import { handleInvocation } from './handle-invocation.ts';
import type { ShardPoll } from './poll-shard.ts';

const dependencies = whenInvoked((fields) => pollDependencies(readPollEnvironment(fields)));

/** Keeps 10 s back for polls to settle: 1,000 rows are cleared in less. */
export const handler = handlerOf<unknown, ShardPoll>(10_000, async (event, deadline, context) => {
  const { supervision } = context as { supervision?: Supervision };
  return handleInvocation({ ...(await dependencies()), logger, metrics, supervision }, event, deadline);
});
