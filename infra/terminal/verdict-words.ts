import type { Finding } from '#functions/explain/finding.ts';
import type { Verdict } from '#functions/explain/verdict.ts';
import { neutral } from '#functions/notices/foreign-text.ts';

/** One event and one subscriber, as an explanation has them. */
export interface VerdictFacts {
  readonly event: string;
  readonly type: string;
  /** ISO 8601 time of the event. */
  readonly at: string;
  readonly verdict: Verdict;
  readonly reason?: string | undefined;
  readonly digest?: string | undefined;
  readonly attempts?: number | undefined;
  readonly proof: { readonly row: string } | { readonly setting: string; readonly value: string | readonly string[] };
}

export interface SubscriberFacts {
  readonly name: string;
  readonly status: 'active' | 'paused' | 'disabled' | 'removed';
}

/** English for each verdict; `digest` is what is delivered to a reader, and a reason or a time may follow. */
const words: Record<Verdict, string> = {
  delivered: 'delivered',
  in_digest: 'told in a digest that was delivered',
  waits_for_digest: 'waits for the next digest',
  waits_for_first_attempt: 'waits for its first attempt',
  waits_for_retry: 'waits for a retry',
  in_flight: 'is being attempted',
  held_paused: 'held, because the subscriber was paused',
  held_disabled: 'held, because the subscriber was disabled',
  failed: 'failed, and its retry schedule is over',
  rejected: 'rejected by the receiver for good',
  cancelled: 'cancelled by an operator',
  endpoint_removed: 'not sent, because the subscriber was removed',
  before_endpoint: 'older than the subscriber',
  not_wanted_type: 'of a type that the subscriber does not want',
  not_wanted_mailbox: 'about a mailbox that the subscriber does not want',
  not_wanted_direction: 'of a direction that the subscriber does not want',
  not_fanned_out_yet: 'not handed to subscribers yet',
  unknown: 'not to be told from what is stored',
};

/** English for reasons that the explanation gives itself; those of deliveries are shown as they are. */
const reasons: Readonly<Record<string, string>> = {
  circuit_breaker: 'its circuit breaker is open',
  earlier_subscriber: 'to a subscriber of the same name that was removed',
  wanted_now: 'the present filters want it; they were others, fan-out is still at it, or its row has expired',
  digest_unread: 'the row of its digest is missing, or was not read',
  too_many_rows: 'the transfer has more rows than are read at once',
};

/** Verdicts that the end of the last attempt explains. */
export const endsInDoubt: ReadonlySet<Verdict> = new Set(['waits_for_retry', 'failed', 'rejected', 'held_disabled']);

/** Reasons that a verdict says already. */
const implied: ReadonlySet<string> = new Set(['paused', 'disabled', 'rejected', 'operator', 'endpoint_removed']);

/**
 * @param last words for the end of the last attempt, if there was one
 * @example verdictWords({ verdict: 'failed', reason: 'throttled', attempts: 3, … }) // 'failed, …: throttled, 3 attempts'
 */
export function verdictWords({ verdict, reason, attempts = 0 }: VerdictFacts, last?: string): string {
  const known = reason === undefined || implied.has(reason) ? [] : [reasons[reason] ?? reason];
  const because = [...known, ...(last !== undefined && endsInDoubt.has(verdict) ? [last] : [])].join(', ');
  return `${words[verdict]}${because && `: ${because}`}${attempts > 1 ? `, ${attempts} attempts` : ''}`;
}

interface HappeningFacts {
  readonly kind: string;
  readonly event?: string | undefined;
  readonly endpoint?: string | undefined;
}

/** Finds the last attempt at an event or digest, in a timeline with the oldest happening first. */
export function lastAttempts<Happening extends HappeningFacts>(timeline: readonly Happening[]) {
  const attempts = timeline.filter(({ kind }) => kind === 'attempt');
  const last = new Map(attempts.map((one) => [`${one.event} ${one.endpoint}`, one]));
  return ({ event, digest = event }: Pick<VerdictFacts, 'event' | 'digest'>, endpoint: string) =>
    last.get(`${digest} ${endpoint}`);
}

/** @example 'row EVENT#… DELIVERY#…', where foreign texts are neutralised, or 'types is transfer.failed, watch.*' */
export function proofWords({ proof }: VerdictFacts): string {
  if ('row' in proof) return `row ${neutral(proof.row)}`;
  const { setting, value } = proof;
  return `${setting} is ${typeof value === 'string' ? value : value.join(', ')}`;
}

/** Commands that change what a verdict says, in their order, as they are typed after `npm run notifier --`. */
export function verdictCommands({ name, status }: SubscriberFacts, facts: VerdictFacts): string[] {
  const { event, digest = event, verdict, type, at, proof } = facts;
  const back =
    status === 'paused' ? [`endpoint resume ${name}`] : status === 'disabled' ? [`endpoint enable ${name}`] : [];
  const again = [...back, `delivery resend ${digest} ${name}`];
  switch (verdict) {
    case 'delivered':
    case 'in_digest':
      return status === 'removed' ? [] : again;
    case 'failed':
    case 'rejected':
    case 'cancelled':
      return status === 'removed' ? addedAgain(name, at) : again;
    case 'held_paused':
    case 'held_disabled':
      return [...back, `endpoint recover ${name} --from ${at}`];
    case 'endpoint_removed':
      return status === 'removed' ? addedAgain(name, at) : [...back, `endpoint replay ${name} --from ${at} --dry-run`];
    case 'waits_for_digest':
    case 'waits_for_first_attempt':
      return [`delivery cancel ${digest} ${name}`];
    // Together they attempt it at once; while the circuit breaker is open, only a new begin does.
    case 'waits_for_retry':
      return facts.reason === 'circuit_breaker'
        ? [`endpoint disable ${name}`, `endpoint enable ${name}`, `endpoint recover ${name}`]
        : [`delivery cancel ${digest} ${name}`, `delivery resend ${digest} ${name}`];
    case 'not_wanted_type': {
      const types = 'value' in proof ? [proof.value].flat() : [];
      return [`endpoint update ${name} --type ${[...types, type].join(',')}`];
    }
    case 'not_wanted_mailbox':
      return [`endpoint update ${name} --any-mailbox`];
    case 'not_wanted_direction':
      return [`endpoint update ${name} --any-direction`];
    case 'not_fanned_out_yet':
    case 'unknown':
      return ['doctor'];
    // An attempt ends by itself, and a subscriber gets no event from before its time.
    case 'in_flight':
    case 'before_endpoint':
      return [];
  }
}

const addedAgain = (name: string, at: string): string[] => [
  `endpoint add ${name} --address URL`,
  `endpoint replay ${name} --from ${at} --dry-run`,
];

interface Looked {
  readonly watches: number;
  readonly isMore: boolean;
  readonly disabled: number;
  readonly failing: number;
  readonly unfinished: number;
}

/** Why there are events about a transfer or none; `looked` counts the watches in which it was looked up. */
export function findingWords(finding: Finding, looked: Looked | undefined): string {
  const { watches = 0, disabled = 0, failing = 0, unfinished = 0, isMore = false } = looked ?? {};
  const count = (of: number, what: string) => (of > 0 ? [`${of} ${what}`] : []);
  const blind = [
    ...count(failing, 'failing'),
    ...count(disabled, 'not polled'),
    ...count(unfinished, 'not listed completely yet'),
  ];
  const which = `${watches} ${watches === 1 ? 'watch' : 'watches'}${blind.length > 0 ? ` (${blind.join(', ')})` : ''}`;
  const rest = isMore ? '; there are more: name its mailbox by --mailbox' : '';
  switch (finding) {
    case 'told':
      return 'there are events about it';
    case 'not_published_yet':
      return 'its event is stored and not published yet; the next poll does it';
    case 'not_fanned_out_yet':
      return 'its event was published, and is not handed to subscribers yet; doctor shows the queues';
    case 'baseline':
      return 'the first complete listing of its watch stored it in silence, and it has not changed since';
    case 'expired':
      return 'its events are older than retention.events of the configuration, and were deleted';
    case 'not_listed_yet':
      return `no complete listing has shown it yet, of ${which}${rest}`;
    case 'not_watched':
      return `no watch would have it${rest}; watch add adds one`;
    case 'unknown':
      return `unknown to this notifier: not in ${which}${rest || '; transfer list --mailbox MAILBOX shows those it knows'}`;
  }
}
