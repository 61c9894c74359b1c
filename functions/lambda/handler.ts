import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { type Deadline, steady } from '#functions/clock/instants.ts';
import { logger } from './logger.ts';
import { sendMetrics } from './metrics.ts';

/**
 * Makes the handler of a function: its log lines name the invocation, and its metrics are sent at the end.
 *
 * @param reserveMs milliseconds kept back at the end of an invocation for the last writes and calls
 */
export const handlerOf = <Event, Result>(
  reserveMs: number,
  run: (event: Event, deadline: Deadline, context: Context) => Promise<Result>,
) =>
  middy<Event, Result>()
    .use(injectLambdaContext(logger))
    .use(sendMetrics)
    .handler((event, context) => run(event, steady() + context.getRemainingTimeInMillis() - reserveMs, context));
