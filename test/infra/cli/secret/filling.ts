import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { FillSecretError } from '#infra/cli/secret/failure.ts';
import { secretFields } from '#infra/cli/secret/fields.ts';
import { fillSecret } from '#infra/cli/secret/fill-secret.ts';
import type { Config } from '#infra/config/config.ts';
import { AwsServices } from './aws-services.ts';

const webhook = { types: ['transfer.*'], maxInFlight: 10 };

const config: Config = {
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
  schedule: { every: '1m', fullListingEvery: 1, shards: 1 },
  watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
  notify: { email: [] },
  webhooks: [
    { ...webhook, name: 'crm', url: 'https://crm.example.com/', secretFrom: 'CRM_SECRET', format: 'event' },
    { ...webhook, name: 'ops', urlFrom: 'OPS_URL', format: 'slack' },
  ],
};

/** What the secret needs for the configuration. */
export const values = {
  CRYPTSHARE_CLIENT_ID: 'a'.repeat(50),
  CRM_SECRET: newSecret(),
  OPS_URL: 'https://hooks.example.com/services/T0/B0/x',
};
export type Name = keyof typeof values;

/** How filling a secret went. */
export interface Filling {
  /** Undefined when it failed. */
  readonly isReady: boolean | undefined;
  readonly problem: string | undefined;
  readonly lines: readonly string[];
  readonly questions: readonly string[];
}

/** Runs with somebody who answers, each question with the next of its answers; without any, there is nobody to ask. */
export async function run(
  answers: Partial<Record<Name, string | string[]>> | undefined,
  environment: Readonly<Partial<Record<Name, string>>> = {},
  names: { secret?: string; declare?: string } = {},
): Promise<Filling> {
  const lines: string[] = [];
  const questions: string[] = [];
  const left = Object.fromEntries(Object.entries(answers ?? {}).map(([name, answer]) => [name, [answer].flat()]));
  const ask = async (question: string): Promise<string> => {
    questions.push(question);
    const answer = left[question.split(',')[0] ?? '']?.shift();
    if (answer === undefined) throw new Error(`nobody answers: ${question}`);
    return answer;
  };
  const ended = await fillSecret(
    {
      secrets: new SecretsManagerClient({}),
      lambda: new LambdaClient({}),
      environment,
      ask: answers && ask,
      print: (line) => lines.push(line),
    },
    { secret: AwsServices.secretName, declare: AwsServices.functionName, fields: secretFields(config), ...names },
  ).then(
    (isReady) => ({ isReady, problem: undefined }),
    (error: Error) => {
      if (error instanceof FillSecretError) return { isReady: undefined, problem: error.message };
      throw error;
    },
  );
  return { ...ended, lines, questions };
}
