import { createHmac, createPrivateKey, createPublicKey, sign as ed25519, randomBytes } from 'node:crypto';

/** Thrown for an unusable secret; does not repeat it. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

const symmetric = 'whsec_';
const asymmetric = 'whsk_';
const publicPrefix = 'whpk_';

/** DER of an ed25519 private key up to its 32-byte seed (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Generates a secret for `v1`: `whsec_` and 32 random bytes in base64. */
export const newSecret = (): string => symmetric + randomBytes(32).toString('base64');

/** Generates a private key for `v1a`: `whsk_` and 64 bytes in base64, the seed followed by the public key. */
export function newPrivateKey(): string {
  const seed = randomBytes(32);
  return asymmetric + Buffer.concat([seed, publicBytes(seed)]).toString('base64');
}

/** The public key `whpk_…` for receivers. @throws SecretError for anything but a private key */
export function publicKeyOf(privateKey: string): string {
  const bytes = bytesOf(privateKey);
  if (!privateKey.startsWith(asymmetric)) throw new SecretError('only a secret with whsk_ has a public key');
  return publicPrefix + publicBytes(bytes).toString('base64');
}

/**
 * The problem with a signing secret. Standard Webhooks 1.0.0 has 24 to 64 bytes in standard base64 after `whsec_`.
 * After `whsk_` two forms are in use: the 32-byte seed, and 64 bytes that append the public key.
 */
export function secretProblem(text: string): string | undefined {
  const prefix = [symmetric, asymmetric].find((known) => text.startsWith(known));
  if (!prefix) return 'expected whsec_ or whsk_ before the key';
  const encoded = text.slice(prefix.length);
  const bytes = Buffer.from(encoded, 'base64');
  if (encoded === '' || bytes.toString('base64') !== encoded) return 'expected the key in padded standard base64';
  if (prefix === symmetric)
    return bytes.length < 24 || bytes.length > 64 ? `expected a key of 24 to 64 bytes, got ${bytes.length}` : undefined;
  if (bytes.length !== 32 && bytes.length !== 64) return `expected a key of 32 or 64 bytes, got ${bytes.length}`;
  const isWhole = bytes.length === 32 || publicBytes(bytes).equals(bytes.subarray(32));
  return isWhole ? undefined : 'expected the second half of the key to be its public key';
}

/** Signs a request of Unix seconds: `v1,…` (HMAC-SHA256), or by a private key `v1a,…` (ed25519). @throws SecretError */
export function sign(secret: string, id: string, timestamp: number, body: string): string {
  const bytes = bytesOf(secret);
  const content = `${id}.${timestamp}.${body}`;
  if (secret.startsWith(symmetric)) return `v1,${createHmac('sha256', bytes).update(content).digest('base64')}`;
  return `v1a,${ed25519(null, Buffer.from(content), keyOf(bytes)).toString('base64')}`;
}

/** The header `webhook-signature`: one signature per secret, the newest first. @example 'v1,K5oZ… v1,g0hM…' */
export const signatureHeader = (secrets: readonly string[], id: string, timestamp: number, body: string): string =>
  secrets.map((secret) => sign(secret, id, timestamp, body)).join(' ');

function bytesOf(secret: string): Buffer {
  const problem = secretProblem(secret);
  if (problem) throw new SecretError(`the secret cannot be used: ${problem}`);
  return Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');
}

const keyOf = (bytes: Buffer) =>
  createPrivateKey({ key: Buffer.concat([pkcs8Prefix, bytes.subarray(0, 32)]), format: 'der', type: 'pkcs8' });

/** The public key: the last 32 bytes of its DER. */
const publicBytes = (bytes: Buffer): Buffer =>
  createPublicKey(keyOf(bytes)).export({ format: 'der', type: 'spki' }).subarray(-32);
