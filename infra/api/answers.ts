import * as z from 'zod/mini';
import { verificationMethods } from '#functions/cryptshare/verification.ts';
import { findings } from '#functions/explain/finding.ts';
import { happenings } from '#functions/explain/timeline.ts';
import { verdicts } from '#functions/explain/verdict.ts';
import { languages } from '#functions/notices/words/words.ts';
import { pollFields, watchProblemSchema } from '#functions/operator/api/on-demand-poll.ts';
import { deliveryStatus, direction } from '#functions/operator/api/schemas.ts';
import type { operations } from '#functions/operator/operations.ts';
import { followable } from '#functions/transfers/follow.ts';
import { formats } from '#functions/webhooks/endpoints/format.ts';
import { postFailures } from '#functions/webhooks/http/webhook-client.ts';
import { services, status } from './state-answers.ts';

const [text, flag, int] = [z.string(), z.boolean(), z.int()];
const optionalText = z.optional(text);

/** A page of a list; the last page has no `next`. */
const pageOf = <Item extends z.ZodMiniType>(item: Item) => z.strictObject({ items: z.array(item), next: optionalText });

const method = z.enum(verificationMethods);

const watch = z.strictObject({
  mailbox: text,
  direction,
  isDeclared: flag,
  isDisabled: flag,
  /** Interval of its own, in place of the general one. */
  pollIntervalMs: z.optional(int),
  generalIntervalMs: int,
  follow: z.optional(z.array(z.enum(followable))),
  overdueBeforeMs: z.optional(int),
  lacksFacts: z.optional(flag),
  quietIntervalMs: z.optional(int),
  health: z.optional(
    z.strictObject({
      failingSince: text,
      failures: int,
      problem: watchProblemSchema,
      incompleteSince: optionalText,
      isAnnounced: flag,
    }),
  ),
  verification: z.optional(z.strictObject({ method, validUntil: optionalText })),
  baselineAt: optionalText,
  baselineProgress: z.optional(z.strictObject({ stored: int, transfers: int })),
  count: z.optional(int),
});

/** `since`: first observation of this state. */
const transfer = z.strictObject({
  ...{ trackingId: text, state: text, since: text, firstSeenAt: text, isListed: flag },
  /** Missing while its watch does not follow downloads. */
  recipients: z.optional(int),
  downloadedBy: z.optional(int),
});

const explanation = z.strictObject({
  trackingId: text,
  /** Why there are events about it, or none. */
  finding: z.enum(findings),
  /** Watches in which it was looked up, where no event names one; with `isMore`, not all. */
  looked: z.optional(z.strictObject({ watches: int, isMore: flag, disabled: int, failing: int, unfinished: int })),
  seen: z.array(z.extend(transfer, { mailbox: text, direction })),
  /** Oldest first. */
  timeline: z.array(
    z.strictObject({
      at: text,
      kind: z.enum(happenings),
      event: optionalText,
      type: optionalText,
      state: optionalText,
      mailbox: optionalText,
      direction: z.optional(direction),
      endpoint: optionalText,
      digest: optionalText,
      attempt: z.optional(int),
      outcome: optionalText,
      cause: optionalText,
      failure: z.optional(z.enum(postFailures)),
      code: optionalText,
      status: z.optional(int),
      durationMs: z.optional(int),
    }),
  ),
  subscribers: z.array(
    z.strictObject({
      name: text,
      /** Missing for a removed one. */
      isReader: z.optional(flag),
      status: z.enum(['active', 'paused', 'disabled', 'removed']),
      /** One for each event, oldest first. */
      verdicts: z.array(
        z.strictObject({
          event: text,
          type: text,
          at: text,
          verdict: z.enum(verdicts),
          reason: optionalText,
          nextAttemptAt: optionalText,
          digest: optionalText,
          attempts: z.optional(int),
          /** A row as `pk sk`, or a setting of the subscriber. */
          proof: z.union([
            z.strictObject({ row: text }),
            z.strictObject({ setting: text, value: z.union([text, z.array(text)]) }),
          ]),
        }),
      ),
    }),
  ),
  /** True when not all events, attempts or subscribers are here. */
  hasMore: z.optional(flag),
});

const endpoint = z.strictObject({
  name: text,
  status: z.enum(['active', 'paused', 'disabled']),
  disabledBecause: optionalText,
  isDeclared: flag,
  createdAt: text,
  /** Without parts that may be tokens. */
  url: text,
  format: z.enum(formats),
  types: z.array(text),
  mailboxes: z.optional(z.array(text)),
  directions: z.optional(z.array(text)),
  /** Missing for a system, and for people who get each event at once, in English. */
  reader: z.optional(
    z.strictObject({
      language: z.enum(languages),
      timeZone: text,
      when: text,
      urgent: z.array(text),
      quiet: z.array(text),
      evenIfEmpty: flag,
    }),
  ),
  headerNames: z.array(text),
  retryDelaysMs: z.array(int),
  maxInFlight: int,
  publicKey: optionalText,
  health: z.optional(z.strictObject({ failingSince: text, cause: text, warnedAt: optionalText })),
  /** Attempts that wait for an answer. */
  inFlight: int,
  /** Failed attempts since the last success. */
  failures: z.optional(z.strictObject({ count: int, since: text })),
  /** Missing while closed. Open allows no attempt, half-open one at a time. */
  circuitBreaker: z.optional(z.strictObject({ state: z.enum(['open', 'half-open']), openUntil: text })),
});

/** The secret is shown only once; an endpoint for people has none. */
const endpointWithSecret = z.strictObject({ endpoint, secret: optionalText, publicKey: optionalText });

/** `isComplete` is false when time ran out. */
const replayed = z.strictObject({ count: int, isComplete: flag, next: optionalText });

const delivery = z.strictObject({
  event: text,
  endpoint: text,
  status: deliveryStatus,
  attempt: int,
  nextAttemptAt: optionalText,
  reason: optionalText,
  /** Id of the digest that tells its event to people. */
  digest: optionalText,
  eventAt: text,
  /** Type of the event; `digest` for a message to people. */
  type: text,
});

const tracedDelivery = z.extend(delivery, {
  attempts: z.array(
    z.strictObject({
      attempt: int,
      startedAt: text,
      durationMs: int,
      outcome: text,
      cause: optionalText,
      /** The reason why no answer came, with the system's code. */
      failure: z.optional(z.enum(postFailures)),
      code: optionalText,
      status: z.optional(int),
      response: optionalText,
    }),
  ),
});

/** Its type is `digest` for the summary of events that people receive. */
const event = z.strictObject({ id: text, type: text, timestamp: text, data: z.record(text, z.unknown()) });

/**
 * Schemas of successful answers by operation id; other operations answer without a body. The OpenAPI document and the
 * types of the command line derive from them. The function never validates its answers, so it does not know this file.
 */
export const answers = {
  showStatus: status,
  showServices: services,
  listWatches: pageOf(watch),
  addWatch: watch,
  addWatches: z.strictObject({ items: z.array(z.strictObject({ mailbox: text, direction, isAdded: flag })) }),
  showWatch: watch,
  updateWatch: watch,
  pauseWatch: watch,
  resumeWatch: watch,
  listTransfers: pageOf(transfer),
  explainTransfer: explanation,
  pollWatch: z.strictObject(pollFields),
  requestCode: z.strictObject({ mailbox: text }),
  verifyMailbox: z.strictObject({ mailbox: text, method, validUntil: optionalText }),
  showVerification: z.strictObject({
    isVerified: flag,
    methods: z.array(method),
    method: z.optional(method),
    validUntil: optionalText,
  }),
  forgetMailbox: z.strictObject({
    /** Rows by their kind; `mentions` are rows about something else that named the mailbox. */
    found: z.record(text, int),
    /** Endpoints whose filters name the mailbox. */
    unremovable: z.array(text),
    scanned: int,
    /** True while a tick has yet to delete its watches: no row was scanned. */
    isWaiting: flag,
    next: optionalText,
  }),
  listEndpoints: pageOf(endpoint),
  addEndpoint: endpointWithSecret,
  showEndpoint: endpoint,
  updateEndpoint: endpoint,
  pauseEndpoint: endpoint,
  resumeEndpoint: endpoint,
  enableEndpoint: endpoint,
  disableEndpoint: endpoint,
  rotateSecret: endpointWithSecret,
  testEndpoint: z.strictObject({ event: text, endpoint: text }),
  /** JSON with placeholders; the values of `variables` are shown nowhere. */
  showTemplate: z.strictObject({ template: z.unknown(), variables: z.array(text) }),

  recoverEndpoint: replayed,
  replayEndpoint: replayed,
  listEvents: pageOf(event),
  showEvent: z.extend(event, {
    deliveries: z.array(tracedDelivery),
    /** True when only the first deliveries are shown; the list of deliveries has all. */
    hasMoreDeliveries: z.optional(flag),
  }),
  listDeliveries: pageOf(delivery),
  showDelivery: tracedDelivery,
  resendDelivery: delivery,
  cancelDelivery: delivery,
} satisfies Readonly<Record<string, z.ZodMiniType>>;

type Constant<T> = T extends object ? { readonly [Key in keyof T]: Constant<T[Key]> } : T;

export type Answers = { [Id in keyof typeof answers]: Constant<z.input<(typeof answers)[Id]>> };

type Made = (typeof operations)[number];

/** The answer of an operation, by its id, as its code makes it. */
type Given<Id, Each = Made> = Each extends { readonly id: infer Ids; run: (...given: never[]) => Promise<infer Answer> }
  ? Id extends Ids
    ? Answer
    : never
  : never;

type Unfit<Id> = Id extends keyof Answers
  ? Given<Id> extends Answers[Id]
    ? never
    : Id
  : Given<Id> extends object
    ? Id
    : never;

type None<Nothing extends never> = Nothing;

/** Compiles only while every operation answers as described here, and none answers otherwise. */
export type UnfitIds = None<{ [Id in Made['id']]: Unfit<Id> }[Made['id']]>;

/** The body of unsuccessful answers: problem details of RFC 9457. */
export const problemSchema = z.strictObject({
  type: text,
  title: text,
  status: int,
  detail: text,
  problems: z.optional(z.array(z.strictObject({ path: text, message: text }))),
  cause: optionalText,
});
