import type { DataKey } from '#functions/lambda/data-key.ts';
import type { Endpoint, EndpointSecrets } from './endpoint.ts';

/** What an endpoint's secrets are encrypted for: they open nothing under another name. */
export const encryptionContext = (endpoint: string): string => `endpoint ${endpoint}`;

/** What the answers of an endpoint are encrypted for: a receiver may send back what it was sent, tokens included. */
export const answerContext = (endpoint: string): string => `answer of ${endpoint}`;

/** Opens the secrets of an endpoint. */
export const secretsOf = (dataKey: DataKey, { name, encrypted }: Endpoint): EndpointSecrets =>
  JSON.parse(dataKey.decrypt(encrypted, encryptionContext(name)));
