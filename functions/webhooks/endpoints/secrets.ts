import type { DataKey } from '#functions/lambda/data-key.ts';
import type { Endpoint, EndpointSecrets } from './endpoint.ts';

/** Encryption context of an endpoint's secrets; they cannot be decrypted under another name. */
export const encryptionContext = (endpoint: string): string => `endpoint ${endpoint}`;

/** Encryption context of an endpoint's answers, which may echo tokens of the request. */
export const answerContext = (endpoint: string): string => `answer of ${endpoint}`;

export const secretsOf = (dataKey: DataKey, { name, encrypted }: Endpoint): EndpointSecrets =>
  JSON.parse(dataKey.decrypt(encrypted, encryptionContext(name)));
