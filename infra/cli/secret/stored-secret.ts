import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import type { Fields } from '#functions/lambda/environment.ts';
import { largestSecret } from '#infra/config/deployment-check-webhooks.ts';
import { FillSecretError, failureOf } from './failure.ts';
import { parseJson } from './json.ts';

const texts = z.record(z.string(), z.string());

export class StoredSecret {
  readonly #client: SecretsManagerClient;
  readonly #name: string;

  constructor(client: SecretsManagerClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** @throws FillSecretError also for a secret that is not the notifier's */
  async read(): Promise<Fields> {
    const { SecretString = '' } = await this.#client
      .send(new GetSecretValueCommand({ SecretId: this.#name }))
      .catch((error: Error) => {
        throw failureOf(error, `read the secret ${this.#name}`);
      });
    const { data } = texts.safeParse(parseJson(SecretString));
    if (!data) {
      throw new FillSecretError(
        `the secret ${this.#name}: expected a JSON object of texts, got something else: put it right in the console of Secrets Manager, and keep its field DATA_KEY`,
      );
    }
    if (!data.DATA_KEY) {
      throw new FillSecretError(
        `the secret ${this.#name}: expected a field DATA_KEY, as the notifier's has from its deployment on, got none: name the secret that the output SecretName of the stack says`,
      );
    }
    return data;
  }

  /** @throws FillSecretError also for more bytes than Secrets Manager keeps */
  async write(fields: Fields): Promise<void> {
    const text = JSON.stringify(fields);
    const size = Buffer.byteLength(text);
    if (size > largestSecret) {
      throw new FillSecretError(
        `the secret ${this.#name}: expected at most ${largestSecret} bytes, got ${size}: let webhooks share variables, or give them shorter values`,
      );
    }
    await this.#client
      .send(new PutSecretValueCommand({ SecretId: this.#name, SecretString: text }))
      .catch((error: Error) => {
        throw failureOf(error, `write the secret ${this.#name}`);
      });
  }
}
