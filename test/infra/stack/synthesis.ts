import { readFileSync } from 'node:fs';
import { App, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { usualReader as usualSettings } from '#functions/webhooks/endpoints/reader.ts';
import type { Config } from '#infra/config/config.ts';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';

/** The settings of a reader by default. */
export const usualReader = { ...usualSettings, types: ['transfer.*' as const], urgent: [], quiet: [] };

/** A configuration with everything in it. */
export const config: Config = {
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
  schedule: { every: '5m', fullListingEvery: 10, shards: 2 },
  watches: [
    { mailbox: 'alice@example.com', direction: 'sent' },
    { mailbox: 'alice@example.com', direction: 'received', every: '15m' },
  ],
  notify: {
    readers: [
      { ...usualReader, name: 'ops', email: 'ops@example.com', types: ['transfer.failed', 'watch.*'] },
      { ...usualReader, name: 'sales', email: 'sales@example.com', types: ['transfer.overdue'], when: 'hourly' },
    ],
  },
  retention: { events: 30, transfers: 30 },
  webhooks: [
    {
      name: 'crm',
      url: 'https://crm.example.com/hooks',
      secretFrom: 'CRM_WEBHOOK_SECRET',
      types: ['transfer.*'],
      format: 'event',
      maxInFlight: 10,
    },
  ],
  proxy: 'http://proxy.example.com:3128',
  alarmEmail: 'oncall@example.com',
};

/** The context that a deployment has, with the feature flags of the CDK. */
export const deployedContext = (): Record<string, unknown> => JSON.parse(readFileSync('cdk.json', 'utf8')).context;

let usual: Template | undefined;

/** Synthesises the stack, without bundling its functions, whose code is no question of the template. */
export function synthesise(): Template {
  // Once for all files that a worker runs: it takes seconds, and no test changes it.
  usual ??= Template.fromStack(new NotifierStack(newApp(), 'TransferNotifier', { config }));
  return usual;
}

/**
 * The same with the checks of cdk-nag, and those of the CDK.
 *
 * @throws Error when one of them finds something
 */
export function synthesiseChecked(of: Config = config): Template {
  const app = newApp({ dashboard: 'yes' }, true);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return Template.fromStack(new NotifierStack(app, 'TransferNotifier', { config: of }));
}

/**
 * @param context in which there is a dashboard, if no other is given
 * @param isChecked whether the CDK checks the templates by CloudFormation's rules, for which it loads for two seconds
 */
export const newApp = (context: Record<string, unknown> = { dashboard: 'yes' }, isChecked = false): App =>
  new App({
    context: { ...deployedContext(), 'aws:cdk:bundling-stacks': [], ...context },
    builtinCloudFormationValidation: isChecked,
  });
