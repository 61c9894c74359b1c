import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { Config } from '#infra/config/config.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';

/** A function of the notifier as it would be deployed. */
export interface DeployableFunction {
  readonly logicalId: string;
  /** What Lambda unpacks into `/var/task`. */
  readonly folder: string;
}

/** The stack as `cdk deploy` would hand it over. */
export interface SynthesisedStack {
  readonly template: Template;
  /** By the ids of their constructs, for example `FanOut`. */
  readonly functions: ReadonlyMap<string, DeployableFunction>;
}

/**
 * Synthesises the stack under the settings of `cdk.json`, with the bundles of its functions.
 *
 * @param outdir folder for the cloud assembly
 * @param more context besides
 */
export function synthesise(config: Config, outdir: string, more: Record<string, unknown> = {}): SynthesisedStack {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
  // The template is checked by its own tests.
  const app = new App({ outdir, context: { ...context, ...more }, builtinCloudFormationValidation: false });
  const stack = new NotifierStack(app, 'TransferNotifier', { config });
  const template = Template.fromStack(stack);
  const { files } = JSON.parse(readFileSync(join(outdir, 'TransferNotifier.assets.json'), 'utf8'));
  const functions = stack.node
    .findAll()
    .filter((construct) => construct instanceof ServiceFunction)
    .map(({ node }): [string, DeployableFunction] => {
      const logicalId: string = stack.resolve(stack.getLogicalId(node.defaultChild as CfnFunction));
      const { S3Key } = propertiesOf(template, logicalId).Code;
      return [node.id, { logicalId, folder: join(outdir, files[S3Key.replace(/\.zip$/, '')].source.path) }];
    });
  return { template, functions: new Map(functions) };
}

/**
 * The properties of a resource.
 *
 * @throws Error when the template has none of that logical id
 */
export function propertiesOf(template: Template, logicalId: string) {
  const resource = template.toJSON().Resources[logicalId];
  if (!resource) throw new Error(`the template has no resource ${logicalId}`);
  return resource.Properties;
}
