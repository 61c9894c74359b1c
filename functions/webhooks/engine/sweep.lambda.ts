import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { readSweepEnvironment } from '#functions/lambda/environment.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics, sendMetrics } from '#functions/lambda/metrics.ts';
import { sweepDependencies } from './dependencies.ts';
import { reportSweep } from './report.ts';
import { type Sweep, sweep } from './sweep.ts';

/** Milliseconds reserved at the end of an invocation for what the sweep has begun. */
const shutdownReserveMs = 5000;

const deps = sweepDependencies(readSweepEnvironment());

export const handler = middy<unknown, Sweep>()
  .use(injectLambdaContext(logger))
  .use(sendMetrics)
  .handler(async (_, context) => {
    const swept = await sweep(deps, deps.steady() + context.getRemainingTimeInMillis() - shutdownReserveMs);
    reportSweep(logger, metrics, swept);
    return swept;
  });
