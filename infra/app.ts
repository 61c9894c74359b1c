import { Annotations, App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { ConfigError } from '#infra/config/config.ts';
import { loadDeployableConfig } from '#infra/config/deployment-check.ts';
import { scheduleNotes } from '#infra/config/deployment-check-schedule.ts';
import { usualConfigFile } from '#infra/config/usual-names.ts';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';

try {
  const app = new App();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  // Names another file: npm run deploy -- -c config=FILE
  const configFile = String(app.node.tryGetContext('config') ?? usualConfigFile);
  const config = loadDeployableConfig(configFile);
  const stack = new NotifierStack(app, config.stack, { config, configFile });
  const { dashboard } = app.node.getAllContext();
  if (dashboard !== undefined && !['yes', 'no'].includes(dashboard))
    throw new ConfigError('the command line', [`-c dashboard=${dashboard}: expected yes or no`]);
  for (const note of scheduleNotes(config)) Annotations.of(stack).addInfo(note);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
