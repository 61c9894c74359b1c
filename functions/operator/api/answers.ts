import * as z from 'zod/mini';
import { verificationMethods } from '#functions/cryptshare/verification.ts';
import { followable } from '#functions/transfers/follow.ts';
import { formats } from '#functions/webhooks/endpoints/format.ts';
import { postFailures } from '#functions/webhooks/http/webhook-client.ts';
import { pollFields, watchProblemSchema } from './on-demand-poll.ts';
import { deliveryStatus, direction } from './schemas.ts';
import { topicNames } from './topic-subscriptions.ts';

/** A page of a list; the last page has no `next`. */
const pageOf = <Item extends z.ZodMiniType>(item: Item) =>
  z.strictObject({ items: z.array(item), next: z.optional(z.string()) });

/** A count with a limit; `more` is true beyond it. */
const counted = z.strictObject({ count: z.int(), more: z.boolean() });

const status = z.strictObject({
  version: z.string(),
  server: z.string(),
  watches: z.strictObject({ all: z.int(), failing: z.int(), disabled: z.int() }),
  endpoints: z.strictObject({ active: z.int(), paused: z.int(), disabled: z.int(), failing: z.int() }),
  deliveries: z.strictObject({
    waiting: counted,
    held: counted,
    /** Milliseconds since the oldest overdue delivery became due. */
    oldestOverdueMs: z.number(),
  }),
});

const problem = z.optional(z.string());

const services = z.strictObject({
  tables: z.array(z.strictObject({ name: z.enum(['transfers', 'webhooks']), problem })),
  /** `inProgress` counts messages being processed and messages that wait for a retry. */
  queues: z.array(z.strictObject({ name: z.string(), waiting: z.int(), inProgress: z.int(), problem })),
  topics: z.array(z.strictObject({ name: z.enum(topicNames), subscriptions: z.int(), unconfirmed: z.int(), problem })),
});

const method = z.enum(verificationMethods);

const watch = z.strictObject({
  mailbox: z.string(),
  direction,
  isDeclared: z.boolean(),
  isDisabled: z.boolean(),
  pollIntervalMs: z.optional(z.int()),
  follow: z.optional(z.array(z.enum(followable))),
  overdueBeforeMs: z.optional(z.int()),
  lacksFacts: z.optional(z.boolean()),
  quietIntervalMs: z.optional(z.int()),
  health: z.optional(
    z.strictObject({
      failingSince: z.string(),
      failures: z.int(),
      problem: watchProblemSchema,
      incompleteSince: z.optional(z.string()),
      isAnnounced: z.boolean(),
    }),
  ),
  verification: z.optional(z.strictObject({ method, validUntil: z.optional(z.string()) })),
  baselineAt: z.optional(z.string()),
  baselineProgress: z.optional(z.strictObject({ stored: z.int(), transfers: z.int() })),
  count: z.optional(z.int()),
});

const transfer = z.strictObject({
  trackingId: z.string(),
  state: z.string(),
  /** First observation of this state. */
  since: z.string(),
  firstSeenAt: z.string(),
  isListed: z.boolean(),
});

const endpoint = z.strictObject({
  name: z.string(),
  status: z.enum(['active', 'paused', 'disabled']),
  disabledBecause: z.optional(z.string()),
  isDeclared: z.boolean(),
  createdAt: z.string(),
  /** Without parts that may be tokens. */
  url: z.string(),
  format: z.enum(formats),
  types: z.array(z.string()),
  mailboxes: z.optional(z.array(z.string())),
  directions: z.optional(z.array(z.string())),
  headerNames: z.array(z.string()),
  retryDelaysMs: z.array(z.int()),
  maxInFlight: z.int(),
  publicKey: z.optional(z.string()),
  health: z.optional(z.strictObject({ failingSince: z.string(), cause: z.string(), warnedAt: z.optional(z.string()) })),
  /** Failed attempts since the last success. */
  failures: z.optional(z.strictObject({ count: z.int(), since: z.string() })),
  /** Missing while closed. Open allows no attempt, half-open one at a time. */
  circuitBreaker: z.optional(z.strictObject({ state: z.enum(['open', 'half-open']), openUntil: z.string() })),
});

const endpointWithSecret = z.strictObject({
  endpoint,
  /** Shown only once; a chat has none. */
  secret: z.optional(z.string()),
  publicKey: z.optional(z.string()),
});

const replayed = z.strictObject({
  count: z.int(),
  /** False when time ran out. */
  isComplete: z.boolean(),
  next: z.optional(z.string()),
});

const delivery = z.strictObject({
  event: z.string(),
  endpoint: z.string(),
  status: deliveryStatus,
  attempt: z.int(),
  nextAttemptAt: z.optional(z.string()),
  reason: z.optional(z.string()),
  eventAt: z.string(),
  /** Type of the event; `notice` for chats. */
  type: z.string(),
});

const tracedDelivery = z.extend(delivery, {
  attempts: z.array(
    z.strictObject({
      attempt: z.int(),
      startedAt: z.string(),
      durationMs: z.int(),
      outcome: z.string(),
      cause: z.optional(z.string()),
      /** The reason why no answer came, with the system's code. */
      failure: z.optional(z.enum(postFailures)),
      code: z.optional(z.string()),
      status: z.optional(z.int()),
      response: z.optional(z.string()),
    }),
  ),
});

const event = z.strictObject({
  id: z.string(),
  /** `notice` for the summary of events that chats receive. */
  type: z.string(),
  timestamp: z.string(),
  data: z.record(z.string(), z.unknown()),
});

/**
 * Schemas of successful answers by operation id; other operations answer without a body. Types and the OpenAPI document
 * derive from them. The function never validates its answers, so import only types there: its bundle omits this file.
 */
export const answers = {
  showStatus: status,
  showServices: services,
  listWatches: pageOf(watch),
  addWatch: watch,
  addWatches: z.strictObject({
    items: z.array(z.strictObject({ mailbox: z.string(), direction, isAdded: z.boolean() })),
  }),
  showWatch: watch,
  updateWatch: watch,
  pauseWatch: watch,
  resumeWatch: watch,
  listTransfers: pageOf(transfer),
  pollWatch: z.strictObject(pollFields),
  requestCode: z.strictObject({ mailbox: z.string() }),
  verifyMailbox: z.strictObject({ mailbox: z.string(), method, validUntil: z.optional(z.string()) }),
  showVerification: z.strictObject({
    isVerified: z.boolean(),
    methods: z.array(method),
    method: z.optional(method),
    validUntil: z.optional(z.string()),
  }),
  forgetMailbox: z.strictObject({
    /** Rows by their kind; `mentions` are rows about something else that named the mailbox. */
    found: z.record(z.string(), z.int()),
    /** Endpoints whose filters name the mailbox. */
    unremovable: z.array(z.string()),
    scanned: z.int(),
    /** True while a tick has yet to delete its watches: no row was scanned. */
    isWaiting: z.boolean(),
    next: z.optional(z.string()),
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
  testEndpoint: z.strictObject({ event: z.string(), endpoint: z.string() }),
  recoverEndpoint: replayed,
  replayEndpoint: replayed,
  listEvents: pageOf(event),
  showEvent: z.extend(event, {
    deliveries: z.array(tracedDelivery),
    /** True when only the first deliveries are shown; the list of deliveries has all. */
    hasMoreDeliveries: z.optional(z.boolean()),
  }),
  listDeliveries: pageOf(delivery),
  showDelivery: tracedDelivery,
  resendDelivery: delivery,
  cancelDelivery: delivery,
} satisfies Readonly<Record<string, z.ZodMiniType>>;

type Constant<T> = T extends object ? { readonly [Key in keyof T]: Constant<T[Key]> } : T;

export type Answers = { [Id in keyof typeof answers]: Constant<z.input<(typeof answers)[Id]>> };

/** The body of unsuccessful answers: problem details of RFC 9457. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  problems: z.optional(z.array(z.strictObject({ path: z.string(), message: z.string() }))),
  cause: z.optional(z.string()),
});
