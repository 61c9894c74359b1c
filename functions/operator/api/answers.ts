import * as z from 'zod/mini';
import { formats } from '#functions/webhooks/endpoints/format.ts';
import { postFailures } from '#functions/webhooks/http/client.ts';
import { pollFields, topicFields, watchProblemSchema } from './poll-function.ts';
import { deliveryStatus, direction } from './schemas.ts';

/** A list; without `next` there are no more. */
const pageOf = <Item extends z.ZodMiniType>(item: Item) =>
  z.strictObject({ items: z.array(item), next: z.optional(z.string()) });

/** `more`: there are more than were counted. */
const counted = z.strictObject({ count: z.int(), more: z.boolean() });

const status = z.strictObject({
  version: z.string(),
  /** Origin of the Cryptshare Server. */
  server: z.string(),
  watches: z.strictObject({ all: z.int(), failing: z.int(), disabled: z.int() }),
  endpoints: z.strictObject({ active: z.int(), paused: z.int(), disabled: z.int(), failing: z.int() }),
  deliveries: z.strictObject({
    waiting: counted,
    held: counted,
    /** Milliseconds for which the one that has been due for longest has been due. */
    oldestOverdueMs: z.number(),
  }),
});

const problem = z.optional(z.string());

const services = z.strictObject({
  tables: z.array(z.strictObject({ name: z.enum(['transfers', 'webhooks']), problem })),
  /** Messages that wait, and those that are being worked on or wait for another attempt. */
  queues: z.array(z.strictObject({ name: z.string(), waiting: z.int(), underWay: z.int(), problem })),
  topics: z.array(z.strictObject({ ...topicFields, problem })),
});

const method = z.enum(['client_id', 'email']);

const watch = z.strictObject({
  mailbox: z.string(),
  direction,
  isDeclared: z.boolean(),
  isDisabled: z.boolean(),
  every: z.optional(z.int()),
  quietEvery: z.optional(z.int()),
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
  /** Of a baseline that is being stored. */
  baselineProgress: z.optional(z.strictObject({ stored: z.int(), transfers: z.int() })),
  count: z.optional(z.int()),
});

const transfer = z.strictObject({
  trackingId: z.string(),
  state: z.string(),
  /** When the notifier found it in this state. */
  since: z.string(),
  firstSeenAt: z.string(),
  /** False when the server lists it no more. */
  isListed: z.boolean(),
});

const endpoint = z.strictObject({
  name: z.string(),
  status: z.enum(['active', 'paused', 'disabled']),
  disabledBecause: z.optional(z.string()),
  isDeclared: z.boolean(),
  createdAt: z.string(),
  /** Without what may be a token. */
  url: z.string(),
  format: z.enum(formats),
  types: z.array(z.string()),
  mailboxes: z.optional(z.array(z.string())),
  directions: z.optional(z.array(z.string())),
  headerNames: z.array(z.string()),
  retryDelays: z.array(z.int()),
  maxInFlight: z.int(),
  publicKey: z.optional(z.string()),
  health: z.optional(z.strictObject({ failingSince: z.string(), cause: z.string(), warnedAt: z.optional(z.string()) })),
  /** Attempts that have failed since the last one that succeeded. */
  failures: z.optional(z.strictObject({ count: z.int(), since: z.string() })),
  /** Missing while it is closed. No attempt is made while it is open, and one at a time from then on. */
  circuitBreaker: z.optional(z.strictObject({ state: z.enum(['open', 'half-open']), openUntil: z.string() })),
});

const endpointWithSecret = z.strictObject({
  endpoint,
  /** Shown this once; a chat has none. */
  secret: z.optional(z.string()),
  publicKey: z.optional(z.string()),
});

const replayed = z.strictObject({
  count: z.int(),
  /** False when time was short. */
  isComplete: z.boolean(),
  /** With this as its cursor, the same call goes on. */
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
  /** Of the event, `notice` for what was made for chats. */
  type: z.string(),
});

/** A delivery with its attempts. */
const tracedDelivery = z.extend(delivery, {
  attempts: z.array(
    z.strictObject({
      attempt: z.int(),
      startedAt: z.string(),
      /** Milliseconds. */
      duration: z.int(),
      outcome: z.string(),
      cause: z.optional(z.string()),
      /** What went wrong on the way, where nothing was answered, with the code of the system for it. */
      failure: z.optional(z.enum(postFailures)),
      code: z.optional(z.string()),
      status: z.optional(z.int()),
      /** The first KB of what the receiver answered. */
      response: z.optional(z.string()),
    }),
  ),
});

const event = z.strictObject({
  id: z.string(),
  /** `notice` for what was made for chats of several events. */
  type: z.string(),
  timestamp: z.string(),
  data: z.record(z.string(), z.unknown()),
});

/**
 * What successes are answered with, by the operation's id; an operation without has no body in its answer. Types and the
 * document follow from it. To answer takes none of it, so the function does without it: import its types alone there.
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
    /** These are the first ones; the list of deliveries has all of them. */
    hasMoreDeliveries: z.optional(z.boolean()),
  }),
  listDeliveries: pageOf(delivery),
  showDelivery: tracedDelivery,
  resendDelivery: delivery,
  cancelDelivery: delivery,
} satisfies Readonly<Record<string, z.ZodMiniType>>;

type Constant<T> = T extends object ? { readonly [Key in keyof T]: Constant<T[Key]> } : T;

/** What an operation answers, by its id. */
export type Answers = { [Id in keyof typeof answers]: Constant<z.input<(typeof answers)[Id]>> };

/** The body of every answer that is no success: problem details of RFC 9457. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  problems: z.optional(z.array(z.strictObject({ path: z.string(), message: z.string() }))),
  cause: z.optional(z.string()),
});
