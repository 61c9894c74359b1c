import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';

/** Sets the environment that functions read when loaded, and silences their logs, as the reporter prints instead. */
export function setEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
  process.env.POWERTOOLS_METRICS_DISABLED = 'true';
}

/** Builds the context of an invocation that begins now; `timeout` is in milliseconds. */
export function lambdaContext(functionName: string, timeout: number): Context {
  const end = performance.now() + timeout;
  return {
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: '512',
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => end - performance.now(),
    done() {},
    fail() {},
    succeed() {},
  };
}
