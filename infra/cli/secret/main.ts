import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { printableLines } from '#functions/notices/foreign-text.ts';
import { ConfigError } from '#infra/config/config.ts';
import { loadDeployableConfig } from '#infra/config/deployment-check.ts';
import { guardOutput } from '#infra/terminal/command-output.ts';
import { FillSecretError } from './failure.ts';
import { secretFields } from './fields.ts';
import { fillSecret } from './fill-secret.ts';
import { hiddenPrompt, isLeft } from './hidden-prompt.ts';
import { HelpRequested, parseFillSecretOptions } from './options.ts';

guardOutput(() => undefined);
process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  if (error instanceof HelpRequested) return error.exitCode;
  // All questions come before anything is written.
  if (isLeft(error)) console.error('stopped, nothing was written');
  else if (error instanceof ConfigError || error instanceof FillSecretError)
    console.error(printableLines(error.message));
  else console.error(printableLines(`Filling the secret stopped: ${error.stack}`));
  return error instanceof ConfigError ? 2 : 1;
});

async function main(args: readonly string[]): Promise<number> {
  const { secret, declare, config } = parseFillSecretOptions(args);
  const fields = secretFields(loadDeployableConfig(config));
  const isReady = await fillSecret(
    {
      secrets: new SecretsManagerClient({}),
      lambda: new LambdaClient({}),
      environment: process.env,
      ask: process.stdin.isTTY ? hiddenPrompt : undefined,
      print: console.log,
    },
    { secret, declare, fields },
  );
  return isReady ? 0 : 1;
}
