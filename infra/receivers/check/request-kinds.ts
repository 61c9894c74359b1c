import type { RequestMaker, TestRequest } from './test-request.ts';

/** One kind of request, and what a receiver owes it. */
export interface RequestKind {
  readonly name: string;
  /** Rounds of requests, one after the other; those of one round are sent at once, up to ten. */
  readonly rounds: (make: RequestMaker) => readonly (readonly TestRequest[])[];
  /** Expectation of each round; `any` takes all answers but counts the events. */
  readonly expected: readonly ('accepted' | 'refused' | 'any')[];
  /** Events that may be processed in all; undefined where a receiver may count as it likes. */
  readonly adds?: number;
  /** True for a duty that only the number of processed events shows. */
  readonly needsCount?: boolean;
  /** True where requests that are answered by a failure are sent once more, as the notifier does. */
  readonly isRetried?: boolean;
  /** Mistake of a receiver that answers otherwise. */
  readonly brokenAnswer: string;
  /** Mistake of a receiver that processes more events. */
  readonly brokenCount?: string;
  /** Heading and item of docs/receiving-webhooks.md. */
  readonly paragraph: string;
}

const duty = (item: number): string => `Duties of a receiver, item ${item}`;
const accepted = ['accepted'] as const;
const refused = ['refused'] as const;

/** Requests of a burst, of which ten are in flight at once. */
const burstSize = 50;

/** Bytes of a large body: nearly as many as an event may have. */
const largeBytes = 19_000;

export const requestKinds: readonly RequestKind[] = [
  {
    name: 'good request',
    rounds: (make) => [[make.signed(make.event())]],
    expected: accepted,
    adds: 1,
    brokenAnswer: 'does not accept a good request: check URL and secret, and that the raw bytes are verified',
    paragraph: duty(1),
  },
  {
    name: 'JSON with other blanks and escapes',
    rounds(make) {
      const event = make.event(undefined, 1, { state: 'Übergröße, 転送' });
      return [[make.signed(event, { body: JSON.stringify(event, undefined, 1).replaceAll('Ü', '\\u00dc') })]];
    },
    expected: accepted,
    adds: 1,
    brokenAnswer: 'verifies JSON that was parsed and serialized again, not the raw bytes',
    paragraph: duty(1),
  },
  {
    name: 'signature by a wrong secret',
    rounds: (make) => [[make.signed(make.event(), { secrets: [make.otherSecret] })]],
    expected: refused,
    adds: 0,
    brokenAnswer: 'does not refuse a signature by another secret: anyone can send it events',
    paragraph: duty(1),
  },
  {
    name: 'no signature',
    rounds: (make) => [[make.unsigned(make.event(), 'POST')]],
    expected: refused,
    adds: 0,
    brokenAnswer: 'does not refuse a request without webhook-signature: anyone can send it events',
    paragraph: duty(1),
  },
  {
    name: 'old timestamp',
    rounds: (make) => [[make.signed(make.event(), { ageS: 360 })]],
    expected: refused,
    adds: 0,
    brokenAnswer: 'does not refuse a request that is 6 minutes old: it does not check webhook-timestamp',
    paragraph: duty(1),
  },
  {
    name: 'future timestamp',
    rounds: (make) => [[make.signed(make.event(), { ageS: -360 })]],
    expected: refused,
    adds: 0,
    brokenAnswer: 'does not refuse a request from 6 minutes ahead: it checks only for old timestamps, or none',
    paragraph: duty(1),
  },
  {
    name: 'replay of a request after its time',
    rounds(make) {
      const event = make.event();
      return [[make.signed(event)], [make.signed(event, { ageS: 360 })]];
    },
    expected: ['accepted', 'refused'],
    adds: 1,
    brokenAnswer: 'does not refuse a replayed request that is 6 minutes old',
    brokenCount: 'processes a replayed request that is 6 minutes old',
    paragraph: duty(1),
  },
  {
    name: 'same id twice at once',
    rounds(make) {
      const request = make.signed(make.event());
      return [[request, request]];
    },
    expected: accepted,
    adds: 1,
    needsCount: true,
    brokenAnswer: 'answers a repetition at the same time with a failure, so that it comes again',
    brokenCount: 'processes an event twice that arrives twice at the same time: look up and store the id in one step',
    paragraph: duty(3),
  },
  {
    name: 'same id again later',
    rounds(make) {
      const event = make.event();
      return [[make.signed(event)], [make.signed(event)]];
    },
    expected: ['accepted', 'accepted'],
    adds: 1,
    needsCount: true,
    brokenAnswer: 'answers a repetition with a failure, so that it comes again',
    brokenCount: 'processes an event again that it has handled: keep each webhook-id',
    paragraph: duty(3),
  },
  {
    name: 'older event after a newer one',
    rounds(make) {
      const transfer = make.newTrackingId();
      return [[make.signed(make.event(transfer, 2))], [make.signed(make.event(transfer, 1))]];
    },
    expected: ['accepted', 'accepted'],
    adds: 1,
    needsCount: true,
    brokenAnswer: 'answers a late event with a failure, so that it comes again',
    brokenCount: 'overwrites a newer state by an older event: compare data.sequence',
    paragraph: duty(4),
  },
  {
    name: 'both signatures of a rotation',
    rounds: (make) => [[signedByBoth(make, '')]],
    expected: accepted,
    adds: 1,
    brokenAnswer: 'looks only at the first signature: it refuses events while the secret changes',
    paragraph: duty(2),
  },
  {
    name: 'signature of an unknown version',
    rounds: (make) => [[signedByBoth(make, 'v2,AAAA ')]],
    expected: accepted,
    adds: 1,
    brokenAnswer: 'refuses a good signature beside one of an unknown version',
    paragraph: duty(2),
  },
  {
    name: 'unknown type',
    rounds(make) {
      const event = { ...make.event(), type: 'check.unknown', data: { text: 'a type of a later version' } };
      return [[make.signed(event)]];
    },
    expected: accepted,
    brokenAnswer: 'answers an unknown type with a failure, so that it comes again',
    paragraph: duty(5),
  },
  {
    name: 'unknown field',
    rounds: (make) => [[make.signed({ ...make.event(undefined, 1, { later: { version: 2 } }), later: true } as never)]],
    expected: accepted,
    adds: 1,
    brokenAnswer: 'answers an event with an unknown field with a failure, so that it comes again',
    paragraph: duty(5),
  },
  {
    name: 'body of 19 KB',
    rounds(make) {
      const problems: string[] = [];
      while (JSON.stringify(problems).length < largeBytes - 500) problems.push('recipient_not_notified');
      return [[make.signed(make.event(undefined, 1, { news: 'transfer.problem', problems }))]];
    },
    expected: accepted,
    adds: 1,
    brokenAnswer: 'refuses a body of 19 KB: raise the limit of the body above 20 kB',
    paragraph: 'The request',
  },
  {
    name: 'body sent slowly in pieces',
    rounds: (make) => [[{ ...make.signed(make.event()), pieces: 5 }]],
    expected: accepted,
    adds: 1,
    brokenAnswer: 'does not wait for the whole body: it takes the first piece for all',
    paragraph: duty(1),
  },
  {
    name: 'HEAD and GET',
    rounds(make) {
      // As browsers, previews of links and monitors send them: without a signature.
      const event = make.event();
      return [[make.unsigned(event, 'HEAD')], [make.unsigned(event, 'GET')]];
    },
    expected: ['any', 'any'],
    adds: 0,
    brokenAnswer: '',
    brokenCount: 'processes an event that comes by HEAD or GET without a signature: take events only by POST',
    paragraph: 'The request',
  },
  {
    name: `burst of ${burstSize}`,
    rounds: (make) => [Array.from({ length: burstSize }, () => make.signed(make.event()))],
    expected: accepted,
    adds: burstSize,
    isRetried: true,
    brokenAnswer: 'fails in a burst: store the event, answer, and work afterwards',
    paragraph: duty(6),
  },
];

const signedByBoth = (make: RequestMaker, before: string): TestRequest =>
  // The receiver has the old secret still: the first signature is by a secret that it does not know.
  make.signed(make.event(), { secrets: [make.otherSecret, make.secret], before });
