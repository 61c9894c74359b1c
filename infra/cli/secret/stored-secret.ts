import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import type { Fields } from '#functions/lambda/environment.ts';
import { withoutMark } from '#functions/parsing/byte-order-mark.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { awsFailure } from '#infra/cli/api/aws-failure.ts';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import { largestSecret } from '#infra/config/deployment-check-webhooks.ts';

const texts = z.record(z.string(), z.string());

/** Remedies for errors of the secret and of the function that reads it, by error name. */
export const remedies: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    'name what the outputs SecretName and FillSecret of the stack say, and its region in AWS_REGION',
  InvalidRequestException: 'if the secret is marked for deletion, restore it: aws secretsmanager restore-secret',
};

/** @throws CliError also for a secret that is not the notifier's */
export async function readSecret(client: SecretsManagerClient, name: string): Promise<Fields> {
  const { SecretString = '' } = await client
    .send(new GetSecretValueCommand({ SecretId: name }))
    .catch((error: Error) => {
      throw awsFailure(error, `read the secret ${name}`, remedies[error.name]);
    });
  const { data } = texts.safeParse(jsonOf(withoutMark(SecretString)));
  if (!data) {
    throw refused(
      `the secret ${name}: expected a JSON object of texts, got something else: put it right in the console of Secrets Manager, and keep its field DATA_KEY`,
    );
  }
  if (!data.DATA_KEY) {
    throw refused(
      `the secret ${name}: expected a field DATA_KEY, as the notifier's has from its deployment on, got none: name the secret that the output SecretName of the stack says`,
    );
  }
  return data;
}

/** @throws CliError also for more bytes than Secrets Manager keeps */
export async function writeSecret(client: SecretsManagerClient, name: string, fields: Fields): Promise<void> {
  const text = JSON.stringify(fields);
  const size = Buffer.byteLength(text);
  if (size > largestSecret) {
    throw refused(
      `the secret ${name}: expected at most ${largestSecret} bytes, got ${size}: let webhooks share variables, or give them shorter values`,
    );
  }
  await client.send(new PutSecretValueCommand({ SecretId: name, SecretString: text })).catch((error: Error) => {
    throw awsFailure(error, `write the secret ${name}`, remedies[error.name]);
  });
}
