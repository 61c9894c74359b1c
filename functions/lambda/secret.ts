import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { pause, retryBudget } from '#functions/clock/backoff.ts';
import { isRecent } from '#functions/clock/instants.ts';
import type { HttpAnswer } from '#functions/http/connections.ts';
import { withoutMark } from '#functions/parsing/byte-order-mark.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { type Fields, readSecretPlace } from './environment.ts';
import { type SignedAddress, signedPost, signerFor } from './signed-post.ts';

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
  const place = readSecretPlace();
  const address = place && { url: place.url, signer: signerFor('secretsmanager', new DynamoDBClient({})) };
  let built: { readonly from: string; readonly dependencies: Dependencies; checkedAt: number } | undefined;
  return async () => {
    if (built && (!place || isRecent(built.checkedAt, now(), maxAgeMs))) return built.dependencies;
    const last = built?.from;
    const read = address ? secretText(address, place.arn) : '{}';
    // While the secret cannot be read, the last text stays valid.
    const text = await (last === undefined ? read : Promise.resolve(read).catch(() => last));
    if (built?.from === text) built.checkedAt = now();
    else built = { from: text, dependencies: build(fieldsOf(text)), checkedAt: now() };
    return built.dependencies;
  };
}

/** Requests for the secret, as many as the SDK makes, and milliseconds for each: invocations have at least 30 s. */
const [mostTries, usualTryMs] = [3, 3000];

/** Names of errors after which AWS wants a request repeated; `HTTP 200` is an answer without a secret. */
const passing = /^HttpError|^HTTP (?:200|429|5)|Throttl|TooManyRequests|LimitExceeded|InternalServiceError/;

/** Reads the text of a secret. @throws Error with AWS's own code as its name, HttpError when no whole answer comes */
export async function secretText(place: SignedAddress, SecretId: string, tryMs = usualTryMs): Promise<string> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' };
  const budget = retryBudget();
  for (let tries = 1; ; tries += 1) {
    try {
      return secretIn(await signedPost(place, headers, JSON.stringify({ SecretId }), tryMs));
    } catch (error) {
      const mayPass = tries < mostTries && passing.test((error as Error).name);
      if (!mayPass || !(await pause(tries, budget))) throw error;
    }
  }
}

/** Without a text, the secret holds bytes, or nothing yet. */
const secretSchema = z.object({ SecretString: z._default(z.string(), '{}') });

function secretIn({ status, headers, body }: HttpAnswer): string {
  const json = jsonOf(body.toString());
  const { data: secret } = secretSchema.safeParse(json);
  if (status === 200 && secret) return secret.SecretString;
  const { __type, message, Message } = Object(json);
  // In full, the code is com.amazonaws.NAME#CODE:http://….
  const code = /^(?:[^#:]*#)?(\w+)/.exec(`${headers['x-amzn-errortype'] ?? __type ?? ''}`)?.[1] ?? `HTTP ${status}`;
  const error = new Error(`Secrets Manager does not give the secret: ${message ?? Message ?? code}`);
  throw Object.assign(error, { name: code });
}

function fieldsOf(text: string): Fields {
  const fields = jsonOf(withoutMark(text)) ?? { none: 0 };
  if (typeof fields === 'object' && Object.values(fields).every((value) => typeof value === 'string'))
    return { ...fields };
  throw new SecretError('expected the secret to be a JSON object of texts; fill it anew');
}
