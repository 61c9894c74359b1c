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

/**
 * Builds the context, as far as functions read it, of an invocation that begins now.
 *
 * @param hooks further properties, which AWS does not set
 */
export function lambdaContext(functionName: string, timeoutMs: number, hooks: object = {}): Context {
  const end = performance.now() + timeoutMs;
  const getRemainingTimeInMillis = () => end - performance.now();
  return { functionName, awsRequestId: randomUUID(), getRemainingTimeInMillis, ...hooks } as Context;
}
