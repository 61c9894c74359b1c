import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { readPollEnvironment } from '#functions/lambda/environment.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics, sendMetrics } from '#functions/lambda/metrics.ts';
import { whenInvoked } from '#functions/lambda/secret.ts';
import { pollDependencies, type Supervision } from './dependencies.ts';
import { handleInvocation } from './handle-invocation.ts';
import type { ShardPoll } from './poll-shard.ts';

/** Milliseconds kept back at the end of an invocation for polls to settle: 1,000 rows are cleared in less. */
const shutdownReserveMs = 10_000;

const dependencies = whenInvoked((fields) => pollDependencies(readPollEnvironment(fields)));

export const handler = middy<unknown, ShardPoll>()
  .use(injectLambdaContext(logger))
  .use(sendMetrics)
  .handler(async (event, context) => {
    const deps = await dependencies();
    const deadline = deps.steady() + context.getRemainingTimeInMillis() - shutdownReserveMs;
    const { supervision } = context as { supervision?: Supervision };
    return handleInvocation({ ...deps, logger, metrics, supervision }, event, deadline);
  });
