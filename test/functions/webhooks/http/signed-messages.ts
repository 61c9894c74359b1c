import { createPublicKey, verify as verifyWith } from 'node:crypto';
import fc from 'fast-check';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

export const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
export const timestamp = 1_614_265_330;
export const body = '{"test": 2432232314}';
export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const helloBody = '{"type":"test.hello","timestamp":"2026-01-01T00:00:00Z","data":{"hello":"world"}}';
/** 64 bytes: the seed and its public key. */
export const wholeKey = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
/** 32 bytes: the seed alone. */
export const seedKey = `whsk_${Buffer.alloc(32, 0xcd).toString('base64')}`;

export const secretOf = (length: number, fill = 0xab): string =>
  `whsec_${Buffer.alloc(length, fill).toString('base64')}`;
export const privateKeyOf = (bytes: Uint8Array): string => `whsk_${Buffer.from(bytes).toString('base64')}`;
export const bytesIn = (key: string): Buffer => Buffer.from(key.slice(key.indexOf('_') + 1), 'base64');
export const headersOf = (signature: string, event = id) => ({
  'webhook-id': event,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature,
});

/** Whether the official library accepts a message. */
export function accepts(key: string, payload: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(key).verify(payload, headers, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

/** Whether a signature `v1a` is one of the key `whpk_…`; no official library verifies them yet. */
export function isSignedBy(publicKey: string, signature: string, content: string): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytesIn(publicKey)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verifyWith(null, Buffer.from(content), key, Buffer.from(signature.replace(/^v1a,/, ''), 'base64'));
}

export const anyId = fc.stringMatching(/^[a-z0-9_]{1,40}$/);
export const anyBody = fc.oneof(fc.json(), fc.string({ unit: 'binary' }));
export const anySecret = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`);
export const anySeed = fc.uint8Array({ minLength: 32, maxLength: 32 });
