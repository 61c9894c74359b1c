import { readSweepEnvironment } from '#functions/lambda/environment.ts';
import { handlerOf } from '#functions/lambda/handler.ts';
import { logger } from '#functions/lambda/logger.ts';
import { metrics } from '#functions/lambda/metrics.ts';
import { sweepDependencies } from './dependencies.ts';
import { reportSweep } from './report.ts';
import { type Sweep, sweep } from './sweep.ts';

const deps = sweepDependencies(readSweepEnvironment());

/** Keeps 5 s back for what the sweep has begun. */
export const handler = handlerOf<unknown, Sweep>(5000, async (_, deadline) => {
  const swept = await sweep(deps, deadline);
  reportSweep(logger, metrics, swept);
  return swept;
});
