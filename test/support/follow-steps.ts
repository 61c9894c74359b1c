import fc from 'fast-check';
import type { Problem } from '#functions/transfers/follow.ts';

const recipientChanges = [
  'vanish',
  'return',
  'another mail',
  'another mail and id',
  'appear',
  'appear with a used id',
] as const;

export type RecipientChange = (typeof recipientChanges)[number];

/** Change of an active transfer that a watch can follow; `pick` chooses the transfer, `who` one of its recipients. */
export type FollowHappening =
  | {
      readonly kind: 'download';
      readonly pick: number;
      readonly who: number;
      /** Chooses one of its files. */
      readonly file: number;
      readonly method: 'DOWNLOADED' | 'VIEWED';
      readonly isDated: boolean;
      /** Equal entries. */
      readonly times: number;
    }
  /** `leftMs`: time from now to the new end; null for no end. */
  | { readonly kind: 'move end'; readonly pick: number; readonly leftMs: number | null }
  /** The transfer has exactly these problems. */
  | { readonly kind: 'problems'; readonly pick: number; readonly who: number; readonly problems: readonly Problem[] }
  | {
      readonly kind: 'recipients';
      readonly pick: number;
      readonly who: number;
      readonly change:
        | 'vanish'
        | 'return'
        | 'another mail'
        | 'another mail and id'
        | 'appear'
        | 'appear with a used id';
    };

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const pick = fc.nat(1000);
const who = fc.nat(1000);
const problem = fc.constantFrom<Problem>(
  'recipient_not_notified',
  'sender_not_notified',
  'files_removed',
  'message_not_created',
  'other',
);

/** Changes that following tells of; a third are downloads. */
export const followHappening: fc.Arbitrary<FollowHappening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('download' as const),
      pick,
      who,
      file: fc.nat(1000),
      method: fc.constantFrom('DOWNLOADED' as const, 'VIEWED' as const),
      isDated: fc.constantFrom(true, true, true, false),
      times: fc.constantFrom(1, 1, 2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('move end' as const),
      pick,
      leftMs: fc.constantFrom(-8 * dayMs, -hourMs, hourMs, 47 * hourMs, 49 * hourMs, 3 * dayMs, 30 * dayMs, null),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('problems' as const),
      pick,
      who,
      problems: fc.oneof(fc.constantFrom([], ['other' as const]), fc.uniqueArray(problem, { maxLength: 2 })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('recipients' as const),
      pick,
      who,
      change: fc.constantFrom(...recipientChanges),
    }),
  },
);

/** Step of a life: a change, or a look at all transfers. */
export type FollowStep =
  | FollowHappening
  | { readonly kind: 'create' }
  /** A new state of a transfer that has not ended. */
  | { readonly kind: 'state'; readonly pick: number; readonly state: string }
  | { readonly kind: 'look' };

/** Lives of some transfers as timed steps. */
export interface FollowPlan {
  /** Active transfers at the beginning. */
  readonly seeded: number;
  /** Further transfers that are in processing. */
  readonly processing: number;
  /** Recipients of each transfer besides its first one. */
  readonly others: number;
  readonly files: number;
  /** Changes of recipients that happen at all: with all of them it is soon unclear who is who. */
  readonly recipientChanges: readonly RecipientChange[];
  readonly steps: readonly { readonly afterMs: number; readonly what: FollowStep }[];
}

const step = fc.oneof<fc.MaybeWeightedArbitrary<FollowStep>[]>(
  { weight: 10, arbitrary: followHappening },
  { weight: 1, arbitrary: fc.constant({ kind: 'create' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('state' as const),
      pick,
      state: fc.constantFrom('ACTIVE', 'ACTIVE', 'DELETED_BY_EXPIRATION', 'DELETED_BY_REVOCATION', 'FAILED'),
    }),
  },
  { weight: 6, arbitrary: fc.constant({ kind: 'look' as const }) },
);

/** Random lives; `pick` falls on few transfers, so that much happens to each. */
export const followPlan: fc.Arbitrary<FollowPlan> = fc.record({
  seeded: fc.nat(2),
  processing: fc.nat(1),
  others: fc.nat(2),
  files: fc.integer({ min: 1, max: 3 }),
  recipientChanges: fc.constantFrom<RecipientChange[][]>(
    ['vanish', 'return', 'another mail'],
    ['another mail', 'another mail and id'],
    [...recipientChanges],
  ),
  // Long lives, because most faults need three changes of one transfer with a look between them.
  steps: fc.array(fc.record({ afterMs: fc.constantFrom(1_000, 1_000, 60_000, hourMs, 25 * hourMs), what: step }), {
    minLength: 10,
    maxLength: 40,
    size: 'max',
  }),
});
