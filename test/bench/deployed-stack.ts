import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type CfnElement } from 'aws-cdk-lib';
import type { Config } from '#infra/config/config.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';
import { assumed } from './bill-assumptions.ts';
import type { Deployed } from './use.ts';

/** What would be deployed with the least configuration. */
export interface DeployedStack {
  readonly deployed: Deployed;
  readonly functions: readonly DeployedFunction[];
  /** Deletes the folder. */
  remove(): void;
}

/** A function as it would be deployed. */
export interface DeployedFunction {
  /** As in the stack, for instance `FanOut`. */
  readonly name: string;
  /** MB. */
  readonly memory: number;
  /** Path of the folder with its code. */
  readonly folder: string;
  /** Its variables; what CloudFormation would fill in is filled with something of the same form. */
  readonly environment: Readonly<Record<string, string>>;
}

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

const config: Config = {
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
  schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
  watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
  notify: { email: [] },
  webhooks: [],
};

/**
 * Synthesises the stack into a new folder below the system's temporary one.
 *
 * @param isBundled whether the bundles are wanted, which take some seconds
 */
export function synthesiseStack(isBundled: boolean): DeployedStack {
  const outdir = mkdtempSync(join(tmpdir(), 'notifier-bench-'));
  const app = new App({ outdir, ...(!isBundled && { context: { 'aws:cdk:bundling-stacks': [] } }) });
  const stack = new NotifierStack(app, 'TransferNotifier', { config });
  const { Resources } = app.synth().getStackByName(stack.stackName).template as {
    readonly Resources: Readonly<Record<string, Resource>>;
  };
  const constructs = stack.node.findAll().filter((one) => one instanceof ServiceFunction);
  const resourceOf = ({ node }: ServiceFunction) => Resources[stack.getLogicalId(node.defaultChild as CfnElement)]!;
  const functions = constructs.map((one) => functionOf(one.node.id, resourceOf(one), outdir));
  const all = Object.values(Resources);
  const count = (type: string) => all.filter(({ Type }) => Type === type).length;
  const memoryOf = (name: string) => functions.find((one) => one.name === name)!.memory;
  return {
    functions,
    remove: () => rmSync(outdir, { recursive: true }),
    deployed: {
      memory: {
        poll: memoryOf('Poll'),
        fanOut: memoryOf('FanOut'),
        deliver: memoryOf('Deliver'),
        sweep: memoryOf('Sweep'),
      },
      listenedQueues: count('AWS::Lambda::EventSourceMapping'),
      secrets: count('AWS::SecretsManager::Secret'),
      noticesAreFiltered: all.some(
        ({ Type, Properties: { Protocol, FilterPolicy } }) =>
          Type === 'AWS::SNS::Subscription' && Protocol === 'sqs' && FilterPolicy !== undefined,
      ),
      platformLog: constructs.map(resourceOf).some(isLoggedByLambda) ? assumed('platformLog') : 0,
      dashboards: count('AWS::CloudWatch::Dashboard'),
      alarmMetrics: all
        .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
        .reduce((sum, { Properties }) => sum + alarmMetricsOf(Properties), 0),
    },
  };
}

/** Metrics that an alarm looks at; an expression over them is none. */
export const alarmMetricsOf = ({ Metrics }: Pick<Resource['Properties'], 'Metrics'>): number =>
  Metrics ? Metrics.filter(({ MetricStat }) => MetricStat).length : 1;

/** Whether Lambda writes lines of its own about each invocation of a function. */
const isLoggedByLambda = ({ Properties: { LoggingConfig } }: Resource): boolean =>
  LoggingConfig?.SystemLogLevel !== 'WARN';

function functionOf(name: string, { Properties }: Resource, outdir: string): DeployedFunction {
  const { MemorySize, Code, Environment } = Properties;
  return {
    name,
    memory: MemorySize!,
    folder: join(outdir, `asset.${Code!.S3Key!.replace(/\.zip$/, '')}`),
    environment: Object.fromEntries(
      Object.entries(Environment?.Variables ?? {}).map(([variable, value]) => [
        variable,
        typeof value === 'string' ? value : filledIn(variable),
      ]),
    ),
  };
}

function filledIn(variable: string): string {
  if (variable.endsWith('_ARN')) return 'arn:aws:service:us-east-1:000000000000:example';
  if (variable.endsWith('_URL')) return 'https://sqs.us-east-1.amazonaws.com/000000000000/example';
  return 'example';
}
