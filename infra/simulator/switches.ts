import { z } from 'zod';

/**
 * What the vendor's documents leave open, contradict themselves about or leave to the administrator: each switch makes
 * the simulated server behave in one of the ways a client must cope with. All of them may be changed while it runs.
 */
export const switchesSchema = z.strictObject({
  /** Minor version of the REST API; sent- and received-transfers exist from 12, `/api/status` from 13. */
  minor: z.int().nonnegative(),
  /** Whether the REST API is licensed; if not, everything but `/api/status` answers 403/3001. */
  licensed: z.boolean(),
  /** Whether `/api/status` wraps its answer in `data` as the other endpoints do; the vendor's example does not. */
  statusWrapped: z.boolean(),

  /** Spelling of verification methods: `CLIENT_ID` (REST API 1.8 document) or `clientId` (the vendor's prose). */
  methodSpelling: z.enum(['upper', 'camel']),
  /** HTTP status, with code 3002, of listing and status calls whose token does not hold. */
  listTokenStatus: z.literal([401, 403]),
  /** The same for a look at the verification; 200 stands for `verified: false` instead of an error. */
  verificationTokenStatus: z.literal([403, 401, 200]),
  /** How `validUntil` of a token is told. */
  validUntil: z.enum(['present', 'null', 'missing']),
  /** Whether a token ends the older ones of the same client id and mailbox. */
  newTokenVoidsOlder: z.boolean(),
  /** Milliseconds without a transfer sent after which a token ends. */
  idleTermMs: z.int().positive(),
  /** Milliseconds after which a token ends in any case, `null` for never. */
  maximumTermMs: z.int().positive().nullable(),
  /** Number of POSTs to verification endpoints answered per minute, the rest gets 429/2007; `null` for no limit. */
  verificationsPerMinute: z.int().nonnegative().nullable(),
  /** Whether that 429 carries `Retry-After`. */
  retryAfter: z.boolean(),

  /** `nested` as `fields` suggests, `flat` as in the older list, or nested with both `recipients` swapped. */
  itemShape: z.enum(['nested', 'flat', 'swapped-recipients']),
  /** Spelling of states: `DELETED_BY_ADMIN` (REST API 1.8 document) or `Deleted_by_admin` (the vendor's prose). */
  stateSpelling: z.enum(['upper', 'prose']),
  /** Order of listings; only the older list documents newest first. */
  order: z.enum(['newest-first', 'shuffled']),
  /** A page after the last one: no items, or 404/1004. */
  beyondLastPage: z.enum(['empty', 'error']),
  /** A `page-size` above 100: 400/1004, or treated as 100. */
  oversizedPage: z.enum(['reject', 'clamp']),
  /** Rows that a page has at most, however many are asked for; no document says whether a server cuts pages silently. */
  maximumPageSize: z.int().min(1).max(100),
  /** Whether `active=true` includes transfers that are still being processed. */
  activeIncludesProcessing: z.boolean(),
  /** A name in `fields` that no transfer has: left out, or 400/1004. */
  unknownFields: z.enum(['ignore', 'reject']),
  /** Whether listings know `status.recipients.fileDownloads`, as the Transfer Status endpoint does. */
  fileDownloadsInLists: z.boolean(),

  /** Whether recipients keep their id when their user data is deleted and their address is replaced. */
  deletedUserKeepsRecipientId: z.boolean(),
  /** Whether a failed or deleted transfer can change its state again, which no document mentions. */
  finalStatesChange: z.boolean(),
  /** Transfers that expired more than this many days ago leave the log, in a clean-up once a day; `null` for never. */
  purgeAfterDays: z.int().nonnegative().nullable(),

  /** How errors arrive: as documented, or replaced on the way by an HTML 502 or a 401 without body. */
  errorBody: z.enum(['json', 'html-502', 'empty-401']),
  /** Origin that every request is redirected to by a 302, `null` for none. */
  redirectTo: z.url().nullable(),
  /** The server's time zone, in minutes east of UTC; dates and tracking ids show it. */
  utcOffsetMinutes: z.int().min(-720).max(840),
  /** Milliseconds by which the server's clock is ahead. */
  clockOffsetMs: z.int(),
  /** Milliseconds that each request waits before it is looked at. */
  latencyMs: z.int().nonnegative(),
});

export type Switches = z.infer<typeof switchesSchema>;

const day = 24 * 60 * 60 * 1000;

/** The reading of the documents that is most likely, on a server of today. */
export const defaultSwitches: Readonly<Switches> = {
  minor: 15,
  licensed: true,
  statusWrapped: false,
  methodSpelling: 'upper',
  listTokenStatus: 401,
  verificationTokenStatus: 403,
  validUntil: 'present',
  newTokenVoidsOlder: true,
  idleTermMs: 30 * day,
  maximumTermMs: null,
  verificationsPerMinute: null,
  retryAfter: true,
  itemShape: 'nested',
  stateSpelling: 'upper',
  order: 'newest-first',
  beyondLastPage: 'empty',
  oversizedPage: 'reject',
  maximumPageSize: 100,
  activeIncludesProcessing: false,
  unknownFields: 'ignore',
  fileDownloadsInLists: true,
  deletedUserKeepsRecipientId: true,
  finalStatesChange: false,
  purgeAfterDays: null,
  errorBody: 'json',
  redirectTo: null,
  utcOffsetMinutes: 120,
  clockOffsetMs: 0,
  latencyMs: 0,
};
