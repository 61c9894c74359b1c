import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { isRecent } from '#functions/clock/instants.ts';
import { withoutMark } from '#functions/parsing/byte-order-mark.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { type Fields, readSecretArn } from './environment.ts';

/** Thrown for a secret that is no JSON object of texts; does not repeat it. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/**
 * Builds a function's dependencies at its first invocation, and anew when its secret has changed. An error of `build`
 * goes to each invocation until it succeeds. The secret is read again after `maxAgeMs`, with 0 at every invocation.
 */
export function whenInvoked<Dependencies>(
  build: (fields: Fields) => Dependencies,
  maxAgeMs = 300_000,
  now: () => number = Date.now,
): () => Promise<Dependencies> {
  const arn = readSecretArn();
  const client = new SecretsManagerClient({});
  let built: { readonly from: string; readonly dependencies: Dependencies; checkedAt: number } | undefined;
  return async () => {
    if (built && (arn === undefined || isRecent(built.checkedAt, now(), maxAgeMs))) return built.dependencies;
    const text = arn === undefined ? '{}' : await secretText(client, arn, built?.from);
    if (built?.from === text) built.checkedAt = now();
    else built = { from: text, dependencies: build(fieldsOf(text)), checkedAt: now() };
    return built.dependencies;
  };
}

/** Reads the secret; while that fails, the last text stays valid. */
async function secretText(client: SecretsManagerClient, arn: string, last: string | undefined): Promise<string> {
  const read = client.send(new GetSecretValueCommand({ SecretId: arn }));
  const { SecretString } = await (last === undefined ? read : read.catch(() => ({ SecretString: last })));
  return SecretString ?? '{}';
}

function fieldsOf(text: string): Fields {
  const fields = jsonOf(withoutMark(text)) ?? { none: 0 };
  if (typeof fields === 'object' && Object.values(fields).every((value) => typeof value === 'string'))
    return { ...fields };
  throw new SecretError('expected the secret to be a JSON object of texts; fill it anew');
}
