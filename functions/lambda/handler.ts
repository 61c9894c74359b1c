import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { type Deadline, steady } from '#functions/clock/instants.ts';
import { logger } from './logger.ts';
import { sendMetrics } from './metrics.ts';

/** Handler that names the invocation in its log lines and sends metrics. It keeps `reserveMs` for the last writes. */
export const handlerOf = <Event, Result>(
  reserveMs: number,
  run: (event: Event, deadline: Deadline, context: Context) => Promise<Result>,
) =>
  middy<Event, Result>()
    .use(injectLambdaContext(logger))
    .use(sendMetrics)
    .handler((event, context) => run(event, steady() + context.getRemainingTimeInMillis() - reserveMs, context));
