import fc from 'fast-check';
import type { Scope } from '#functions/cryptshare/client.ts';
import { type Followed, followable } from '#functions/transfers/follow.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { Fault } from '#infra/simulator/faults.ts';
import type { FaultKind, PlannedFault } from '#test/support/aws-faults.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import { type FollowHappening, followHappening } from '#test/support/follow-steps.ts';

/** Change of the server's transfers; `pick` chooses one of them. */
export type Happening =
  | FollowHappening
  | { readonly kind: 'create' }
  | { readonly kind: 'change'; readonly pick: number; readonly state: string }
  /** The server calls a transfer active again that has ended, for good or for a moment. */
  | { readonly kind: 'revive'; readonly pick: number }
  | { readonly kind: 'purge'; readonly pick: number }
  | { readonly kind: 'restore'; readonly pick: number };

/** A poll with its faults, and the changes in the middle of its listing. */
export interface FaultyPoll {
  readonly kind: 'poll';
  /** Milliseconds since the step before, unless it happens during another poll. */
  readonly after: number;
  /** Scope that suffices, if it saves requests. */
  readonly scope: Scope;
  /** By the number of the call to AWS, or for every call of a command. */
  readonly aws: readonly PlannedFault[];
  readonly server: readonly Fault[];
  /** Changes before the page is answered. */
  readonly drift: readonly { readonly page: number; readonly happening: Happening }[];
}

/** A poll that is paused at one of its calls to AWS during other steps. */
export interface Overlap {
  readonly kind: 'overlap';
  readonly scope: Scope;
  readonly heldAt: number;
  readonly inside: readonly (Happening | FaultyPoll)[];
}

export interface History {
  readonly direction: Watch['direction'];
  readonly order: 'newest-first' | 'shuffled';
  readonly seeded: number;
  /** Expired transfers in the server's log to which nothing happens any more. */
  readonly archived: number;
  readonly notifyExisting: boolean;
  readonly follow: readonly Followed[];
  readonly steps: readonly (Happening | FaultyPoll | Overlap)[];
}

const state = fc.constantFrom(
  'ACTIVE',
  'ACTIVE',
  'FAILED',
  'DELETED_BY_EXPIRATION',
  'DELETED_BY_REVOCATION',
  'DELETED_BY_ADMIN',
  'DELETED_BY_SECURITY',
  'Quarantined',
);
const pick = fc.nat(1000);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const) }),
  fc.record({ kind: fc.constant('change' as const), pick, state }),
  fc.record({ kind: fc.constant('revive' as const), pick }),
  fc.record({ kind: fc.constant('purge' as const), pick }),
  fc.record({ kind: fc.constant('restore' as const), pick }),
  followHappening,
  followHappening,
);
const awsFault = fc.oneof(
  fc.tuple(fc.nat(24), fc.constantFrom<FaultKind>('refused', 'lost', 'crash before', 'crash after')),
  fc.tuple(
    fc.constantFrom('PublishBatchCommand', 'PutItemCommand', 'UpdateItemCommand'),
    fc.constantFrom<FaultKind>('refused', 'lost', 'crash before', 'crash after', 'partial'),
  ),
);
const serverFault: fc.Arbitrary<Fault> = fc.record({
  page: fc.integer({ min: 1, max: 4 }),
  times: fc.integer({ min: 1, max: 4 }),
  answer: fc.constantFrom<Fault['answer']>(
    faultAnswers.serverError,
    faultAnswers.badGateway,
    faultAnswers.signInPage,
    faultAnswers.tooManyRequests('2'),
    faultAnswers.tooManyRequests(),
    { kind: 'truncated' },
    { kind: 'dropped' },
  ),
});
const drift = fc.record({ page: fc.integer({ min: 1, max: 4 }), happening });
const scope = fc.constantFrom<Scope>('all', 'active', 'active');
const poll: fc.Arbitrary<FaultyPoll> = fc.record({
  kind: fc.constant('poll' as const),
  after: fc.integer({ min: 1_000, max: 60_000 }),
  scope,
  aws: fc.array(awsFault, { maxLength: 2 }),
  server: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(serverFault, { maxLength: 2 }) },
  ),
  drift: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(drift, { maxLength: 2 }) },
  ),
});
const overlap: fc.Arbitrary<Overlap> = fc.record({
  kind: fc.constant('overlap' as const),
  scope,
  heldAt: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.nat(12)),
  inside: fc.array(fc.oneof(happening, poll), { minLength: 1, maxLength: 4 }),
});

/** Random histories of one mailbox. */
export const history: fc.Arbitrary<History> = fc.record({
  direction: fc.constantFrom('sent' as const, 'received' as const),
  order: fc.constantFrom('newest-first' as const, 'shuffled' as const),
  seeded: fc.oneof(fc.nat(3), fc.nat(28), fc.nat(28), fc.integer({ min: 50, max: 150 })),
  // From 100 on there are more pages of all transfers than of the active ones.
  archived: fc.constantFrom(0, 0, 0, 100),
  notifyExisting: fc.boolean(),
  follow: fc.oneof(fc.constant([]), fc.constant(followable), fc.subarray([...followable])),
  steps: fc.array(
    fc.oneof({ weight: 5, arbitrary: happening }, { weight: 3, arbitrary: poll }, { weight: 2, arbitrary: overlap }),
    { minLength: 1, maxLength: 14 },
  ),
});
