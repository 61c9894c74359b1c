import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';

/** Thrown for an unusable data key; does not repeat it. */
export class DataKeyError extends Error {
  override readonly name = 'DataKeyError';
}

/** Thrown for a text that cannot be decrypted: it was changed, or encrypted with another key or context. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
}

const prefix = 'encrypted1.';
/** Bytes of the nonce and of the tag: those of AES-GCM in NIST SP 800-38D. */
const ivLength = 12;
const tagLength = 16;

/** Key that encrypts secrets at rest: AES-256-GCM. */
export class DataKey {
  readonly #key: ReturnType<typeof createSecretKey>;

  /** @throws DataKeyError unless these are 32 bytes in base64 */
  constructor(base64: string) {
    const bytes = Buffer.from(base64, 'base64');
    const wrong = `expected a data key of 32 bytes in base64, got ${bytes.length}; make one: openssl rand -base64 32`;
    if (bytes.length !== 32) throw new DataKeyError(wrong);
    this.#key = createSecretKey(bytes);
  }

  /** @param context what the text belongs to, as additional authenticated data: no other context opens it */
  encrypt(text: string, context: string): string {
    const iv = randomBytes(ivLength);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(context));
    const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return prefix + Buffer.concat([iv, cipher.getAuthTag(), encrypted]).toString('base64url');
  }

  /** Keyed hash of a text that must not be stored: 72 bits in base64url. Only this key can repeat it. */
  hashOf(...text: readonly string[]): string {
    const mac = createHmac('sha256', this.#key).update(JSON.stringify(text));
    return mac.digest('base64url').slice(0, 12);
  }

  /** @throws DecryptionError unless it was encrypted for the same context */
  decrypt(encrypted: string, context: string): string {
    const encoded = encrypted.slice(prefix.length);
    const bytes = Buffer.from(encoded, 'base64url');
    // Buffer.from skips characters outside base64url, so a changed text could have the same bytes.
    const isExact = bytes.toString('base64url') === encoded;
    if (!encrypted.startsWith(prefix) || !isExact || bytes.length < ivLength + tagLength)
      throw new DecryptionError('expected an encrypted text');
    const iv = bytes.subarray(0, ivLength);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, iv, { authTagLength: tagLength });
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(ivLength, ivLength + tagLength));
    try {
      return decipher.update(bytes.subarray(ivLength + tagLength), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new DecryptionError(`cannot decrypt what is encrypted for ${context}; was the data key replaced?`);
    }
  }
}
