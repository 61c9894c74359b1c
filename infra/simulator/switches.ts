import { z } from 'zod';

/**
 * Behaviour that the vendor's documents leave open, contradict or leave to the administrator. Each switch selects one
 * of the ways that a client must cope with, and may change while the server runs.
 */
export const switchesSchema = z.strictObject({
  /** Minor version of the REST API; sent- and received-transfers exist from 12, `/api/status` from 13. */
  minor: z.int().nonnegative(),
  /** False makes everything but `/api/status` answer 403/3001, as without a licence. */
  licensed: z.boolean(),
  /** True wraps the answer of `/api/status` in `data`, as for other endpoints; the vendor's example has no wrapper. */
  statusWrapped: z.boolean(),

  /** Spelling of verification methods: `CLIENT_ID` (REST API 1.8 document) or `clientId` (the vendor's prose). */
  methodSpelling: z.enum(['upper', 'camel']),
  /** HTTP status, with code 3002, of listing and status calls with an invalid token. */
  listTokenStatus: z.literal([401, 403]),
  /** HTTP status of verification calls with an invalid token; 200 answers `verified: false` instead of an error. */
  verificationTokenStatus: z.literal([403, 401, 200]),
  validUntil: z.enum(['present', 'null', 'missing']),
  /** True ends the older tokens of a client id and mailbox when a new one is issued. */
  newTokenVoidsOlder: z.boolean(),
  /** Milliseconds without a transfer sent after which a token ends. */
  idleTermMs: z.int().positive(),
  /** Milliseconds after which a token ends in any case, `null` for never. */
  maximumTermMs: z.int().positive().nullable(),
  /** Limit of POSTs to verification endpoints per minute, beyond it 429/2007; `null` for no limit. */
  verificationsPerMinute: z.int().nonnegative().nullable(),
  /** True adds `Retry-After` to that 429. */
  retryAfter: z.boolean(),

  /** Item shape: `nested` as `fields` suggests, `flat` as in the older list, or nested with `recipients` swapped. */
  itemShape: z.enum(['nested', 'flat', 'swapped-recipients']),
  /** Spelling of states: `DELETED_BY_ADMIN` (REST API 1.8 document) or `Deleted_by_admin` (the vendor's prose). */
  stateSpelling: z.enum(['upper', 'prose']),
  /** Order of listings; only the older list documents newest first. */
  order: z.enum(['newest-first', 'shuffled']),
  /** Answer beyond the last page: no items, or 404/1004. */
  beyondLastPage: z.enum(['empty', 'error']),
  /** Answer to a `page-size` above 100: 400/1004, or a page of 100. */
  oversizedPage: z.enum(['reject', 'clamp']),
  /** Maximum rows of a page, whatever the request; no document says whether a server cuts pages silently. */
  maximumPageSize: z.int().min(1).max(100),
  /** True includes transfers in processing in `active=true`. */
  activeIncludesProcessing: z.boolean(),
  /** Answer to an unknown name in `fields`: left out, or 400/1004. */
  unknownFields: z.enum(['ignore', 'reject']),
  /** True includes `status.recipients.fileDownloads` in listings, as in the Transfer Status endpoint. */
  fileDownloadsInLists: z.boolean(),

  /** True keeps the id of recipients when deleting their user data replaces their address. */
  deletedUserKeepsRecipientId: z.boolean(),
  /** True lets a failed or deleted transfer change its state again, which no document mentions. */
  finalStatesChange: z.boolean(),
  /** Transfers that expired more than this many days ago leave the log, in a clean-up once a day; `null` for never. */
  purgeAfterDays: z.int().nonnegative().nullable(),

  /** Form of errors: as documented, or replaced by a proxy with an HTML 502 or a 401 without body. */
  errorBody: z.enum(['json', 'html-502', 'empty-401']),
  /** Target origin of a 302 for every request, `null` for none. */
  redirectTo: z.url().nullable(),
  /** Time zone of dates and tracking ids, in minutes east of UTC. */
  utcOffsetMinutes: z.int().min(-720).max(840),
  /** Positive if the server's clock is ahead. */
  clockOffsetMs: z.int(),
  latencyMs: z.int().nonnegative(),
});

export type Switches = z.infer<typeof switchesSchema>;

const dayMs = 24 * 60 * 60 * 1000;

/** Most likely reading of the documents, for a current server. */
export const defaultSwitches: Readonly<Switches> = {
  minor: 15,
  licensed: true,
  statusWrapped: false,
  methodSpelling: 'upper',
  listTokenStatus: 401,
  verificationTokenStatus: 403,
  validUntil: 'present',
  newTokenVoidsOlder: true,
  idleTermMs: 30 * dayMs,
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
