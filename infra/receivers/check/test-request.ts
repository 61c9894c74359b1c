import { randomBytes } from 'node:crypto';
import { transferEvent } from '#functions/events/transfer-event.ts';
import { newSecret, signatureHeader } from '#functions/webhooks/http/signature.ts';
import { testHeader, testIdPrefix } from '#infra/receivers/test-id.ts';

/** A request as it goes over the wire. */
export interface TestRequest {
  readonly method: 'POST' | 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Pieces in which the body is sent. @default 1 */
  readonly pieces?: number;
}

/** An event that the check has made up. */
export interface TestEvent {
  readonly id: string;
  readonly type: string;
  readonly data: object;
}

interface Signing {
  /** Secrets that sign, in the order of the header. @default that of the receiver */
  readonly secrets?: readonly string[];
  /** Items of the header before the signatures, each with a blank after it. */
  readonly before?: string;
  /** Seconds by which the time of the attempt is in the past; below zero it is in the future. */
  readonly ageS?: number;
  /** Text of the body. @default the event as JSON without blanks */
  readonly body?: string;
}

const watch = { mailbox: 'check@example.com', direction: 'sent' } as const;

const usualHeaders = {
  'content-type': 'application/json',
  'user-agent': 'transfer-notifier',
  /** Tells test requests apart. */
  [testHeader]: 'check',
};

/** Makes events and signed requests with the secret of a receiver. */
export function requestMaker(secret: string, now: () => Date) {
  const random = () => randomBytes(8).toString('hex');
  return {
    secret,
    /** A secret that the receiver does not know. */
    otherSecret: newSecret(),
    newTrackingId: () => `CHECK-${random()}`,
    /** A real event of a transfer that does not exist. */
    event(trackingId = `CHECK-${random()}`, sequence = 1, change: object = {}): TestEvent {
      const facts = { trackingId, state: 'ACTIVE', previousState: null, sequence, ...change };
      const event = transferEvent('https://check.invalid', watch, facts, now().toISOString());
      return { ...event, id: `${testIdPrefix}0${random()}` };
    },
    unsigned(event: TestEvent, method: TestRequest['method']): TestRequest {
      const timestamp = String(Math.floor(now().getTime() / 1000));
      const headers = { ...usualHeaders, 'webhook-id': event.id, 'webhook-timestamp': timestamp };
      return { method, headers, body: method === 'HEAD' ? '' : JSON.stringify(event) };
    },
    signed(event: TestEvent, { secrets = [secret], before = '', ageS = 0, body }: Signing = {}): TestRequest {
      const text = body ?? JSON.stringify(event);
      const at = Math.floor(now().getTime() / 1000) - ageS;
      const headers = {
        ...usualHeaders,
        'webhook-id': event.id,
        'webhook-timestamp': String(at),
        'webhook-signature': before + signatureHeader(secrets, event.id, at, text),
      };
      return { method: 'POST', headers, body: text };
    },
  };
}

export type RequestMaker = ReturnType<typeof requestMaker>;
