import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '#infra/config/config.ts';
import { assumed } from '#test/bench/bill/assumptions.ts';
import { propertiesOf, type SynthesisedStack, synthesise } from '#test/infra/deployed/synthesised-stack.ts';

/** The least configuration. */
const config: Config = {
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
  schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
  watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
  notify: { readers: [] },
  webhooks: [],
  retention: { events: 30, transfers: 30 },
};

/** Synthesises the stack with the least configuration for a task; deletes it afterwards. */
function withStack<T>(context: Record<string, unknown>, task: (stack: SynthesisedStack) => T): T {
  const outdir = mkdtempSync(join(tmpdir(), 'notifier-bench-'));
  try {
    return task(synthesise(config, outdir, context));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** A function as it would be deployed. */
export interface DeployedFunction {
  /** Its name in the stack, for instance `FanOut`. */
  readonly name: string;
  /** Path of its bundle. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Bundles the functions for a task, as they would be deployed. */
export const withBundles = <T>(task: (functions: readonly DeployedFunction[]) => T): T =>
  withStack({}, ({ template, functions }) =>
    task(
      [...functions].map(([name, { logicalId, folder }]) => {
        const variables = Object.entries<unknown>(propertiesOf(template, logicalId).Environment?.Variables ?? {});
        const filled = variables.map(([variable, value]) => [
          variable,
          typeof value === 'string' ? value : exampleOf(variable),
        ]);
        return { name, file: join(folder, 'index.js'), environment: Object.fromEntries(filled) };
      }),
    ),
  );

/** An example of the value that CloudFormation would fill in. */
function exampleOf(variable: string): string {
  if (variable.endsWith('_ARN')) return 'arn:aws:service:us-east-1:000000000000:example';
  if (variable.endsWith('_URL')) return 'https://sqs.us-east-1.amazonaws.com/000000000000/example';
  return 'example';
}

export type Deployed = ReturnType<typeof readStack>;

/** Reads the facts of the stack that a bill depends on. */
export const readStack = () =>
  withStack({ 'aws:cdk:bundling-stacks': [] }, ({ template, functions }) => {
    const all = (type: string) => Object.values(template.findResources(type)).map(({ Properties }) => Properties);
    const functionOf = (name: string) => propertiesOf(template, functions.get(name)!.logicalId);
    const memoryOf = (name: string): number => functionOf(name).MemorySize;
    const isLogged = [...functions.keys()].some((name) => functionOf(name).LoggingConfig?.SystemLogLevel !== 'WARN');
    const metricsOf = ({ Metrics }: { Metrics?: { MetricStat?: object }[] }) =>
      // An expression over metrics is none.
      Metrics?.filter(({ MetricStat }) => MetricStat).length ?? 1;
    return {
      /** MB. */
      memory: {
        poll: memoryOf('Poll'),
        fanOut: memoryOf('FanOut'),
        deliver: memoryOf('Deliver'),
        sweep: memoryOf('Sweep'),
      },
      /** Queues that Lambda listens to. */
      listenedQueues: all('AWS::Lambda::EventSourceMapping').length,
      secrets: all('AWS::SecretsManager::Secret').length,
      /** Bytes that Lambda itself logs of an invocation that succeeds. */
      platformLog: isLogged ? assumed('platformLog') : 0,
      dashboards: all('AWS::CloudWatch::Dashboard').length,
      /** An alarm counts once for each metric that it looks at. */
      alarmMetrics: all('AWS::CloudWatch::Alarm').reduce((sum, alarm) => sum + metricsOf(alarm), 0),
    };
  });
