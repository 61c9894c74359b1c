import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type CfnElement } from 'aws-cdk-lib';
import type { Config } from '#infra/config/config.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';
import { assumed } from '#test/bench/bill/assumptions.ts';

interface Resource {
  readonly Type: string;
  readonly Properties: {
    readonly MemorySize?: number;
    readonly LoggingConfig?: { readonly SystemLogLevel?: string };
    readonly Code?: { readonly S3Key?: string };
    readonly Environment?: { readonly Variables: Readonly<Record<string, unknown>> };
    readonly Metrics?: readonly { readonly MetricStat?: object }[];
    readonly Protocol?: string;
    readonly FilterPolicy?: object;
  };
}

/** A function as it would be deployed. */
export interface DeployedFunction {
  /** Its name in the stack, for instance `FanOut`. */
  readonly name: string;
  /** Path of its bundle. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The facts of the stack that a bill depends on. */
export interface Deployed {
  /** MB of each function. */
  readonly memory: Readonly<Record<'Poll' | 'FanOut' | 'Deliver' | 'Sweep', number>>;
  /** Queues that Lambda listens to. */
  readonly listenedQueues: number;
  /** Whether notices reach the webhooks only if a chat wants them. */
  readonly noticesAreFiltered: boolean;
  /** Bytes that Lambda itself logs of an invocation that succeeds. */
  readonly platformLog: number;
  readonly secrets: number;
  readonly dashboards: number;
  /** An alarm counts once for each metric that it looks at. */
  readonly alarmMetrics: number;
}

/** The least configuration. */
const config: Config = {
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
  schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
  watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
  notify: { email: [] },
  webhooks: [],
};

/** Synthesises the stack into a folder. */
function synthesise(outdir: string, isBundled: boolean) {
  const app = new App({ outdir, ...(!isBundled && { context: { 'aws:cdk:bundling-stacks': [] } }) });
  const stack = new NotifierStack(app, 'TransferNotifier', { config });
  const { Resources } = app.synth().getStackByName(stack.stackName).template as {
    readonly Resources: Readonly<Record<string, Resource>>;
  };
  const constructs = stack.node.findAll().filter((one) => one instanceof ServiceFunction);
  const functions = constructs.map(({ node }) => ({
    name: node.id,
    properties: Resources[stack.getLogicalId(node.defaultChild as CfnElement)]!.Properties,
  }));
  return { functions, resources: Object.values(Resources) };
}

/** Hands the functions, bundled as they would be deployed, to a task; then deletes them. */
export function withBundles<T>(task: (functions: readonly DeployedFunction[]) => T): T {
  const outdir = mkdtempSync(join(tmpdir(), 'notifier-bench-'));
  try {
    const { functions } = synthesise(outdir, true);
    return task(
      functions.map(({ name, properties: { Code, Environment } }) => ({
        name,
        file: join(outdir, `asset.${Code!.S3Key!.replace(/\.zip$/, '')}`, 'index.js'),
        environment: Object.fromEntries(
          Object.entries(Environment?.Variables ?? {}).map(([variable, value]) => [
            variable,
            typeof value === 'string' ? value : exampleOf(variable),
          ]),
        ),
      })),
    );
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** Fills in a variable like CloudFormation. */
function exampleOf(variable: string): string {
  if (variable.endsWith('_ARN')) return 'arn:aws:service:us-east-1:000000000000:example';
  if (variable.endsWith('_URL')) return 'https://sqs.us-east-1.amazonaws.com/000000000000/example';
  return 'example';
}

/** Reads the stack with the least configuration. */
export function readStack(): Deployed {
  const outdir = mkdtempSync(join(tmpdir(), 'notifier-bench-'));
  const { functions, resources } = synthesise(outdir, false);
  rmSync(outdir, { recursive: true });
  const ofType = (type: string) => resources.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);
  return {
    memory: Object.fromEntries(
      functions.map(({ name, properties }) => [name, properties.MemorySize]),
    ) as Deployed['memory'],
    listenedQueues: ofType('AWS::Lambda::EventSourceMapping').length,
    secrets: ofType('AWS::SecretsManager::Secret').length,
    noticesAreFiltered: ofType('AWS::SNS::Subscription').some(
      ({ Protocol, FilterPolicy }) => Protocol === 'sqs' && FilterPolicy !== undefined,
    ),
    platformLog: functions.some(({ properties }) => properties.LoggingConfig?.SystemLogLevel !== 'WARN')
      ? assumed('platformLog')
      : 0,
    dashboards: ofType('AWS::CloudWatch::Dashboard').length,
    // An expression over metrics is none.
    alarmMetrics: ofType('AWS::CloudWatch::Alarm')
      .map(({ Metrics }) => Metrics?.filter(({ MetricStat }) => MetricStat).length ?? 1)
      .reduce((sum, metrics) => sum + metrics, 0),
  };
}
