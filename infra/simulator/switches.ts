import { z } from 'zod';

export const dayMs = 24 * 60 * 60 * 1000;

/**
 * Behaviour that the vendor's documents leave open, contradict or leave to the administrator. Each switch selects one
 * of the ways that a client must cope with, and may change while the server runs. The defaults are the most likely
 * reading of the documents, for a current server.
 */
export const switchesSchema = z.strictObject({
  /** Minor version of the REST API; sent- and received-transfers exist from 12, `/api/status` from 13. */
  minor: z.int().nonnegative().default(15),
  /** False makes everything but `/api/status` answer 403/3001, as without a licence. */
  licensed: z.boolean().default(true),
  /** True wraps the answer of `/api/status` in `data`, as for other endpoints; the vendor's example has no wrapper. */
  statusWrapped: z.boolean().default(false),

  /** Spelling of verification methods: `CLIENT_ID` (REST API 1.8 document) or `clientId` (the vendor's prose). */
  methodSpelling: z.enum(['upper', 'camel']).default('upper'),
  /** HTTP status, with code 3002, of listing and status calls with an invalid token. */
  listTokenStatus: z.literal([401, 403]).default(401),
  /** HTTP status of verification calls with an invalid token; 200 answers `verified: false` instead of an error. */
  verificationTokenStatus: z.literal([403, 401, 200]).default(403),
  validUntil: z.enum(['present', 'null', 'missing']).default('present'),
  /** True ends the older tokens of a client id and mailbox when a new one is issued. */
  newTokenVoidsOlder: z.boolean().default(true),
  /** Milliseconds without a transfer sent after which a token ends. */
  idleTermMs: z
    .int()
    .positive()
    .default(30 * dayMs),
  /** Milliseconds after which a token ends in any case, `null` for never. */
  maximumTermMs: z.int().positive().nullable().default(null),
  /** Limit of POSTs to verification endpoints per minute, beyond it 429/2007; `null` for no limit. */
  verificationsPerMinute: z.int().nonnegative().nullable().default(null),
  /** True adds `Retry-After` to that 429. */
  retryAfter: z.boolean().default(true),

  /** Item shape: `nested` as `fields` suggests, `flat` as in the older list, or nested with `recipients` swapped. */
  itemShape: z.enum(['nested', 'flat', 'swapped-recipients']).default('nested'),
  /** Spelling of states: `DELETED_BY_ADMIN` (REST API 1.8 document) or `Deleted_by_admin` (the vendor's prose). */
  stateSpelling: z.enum(['upper', 'prose']).default('upper'),
  /** Order of listings; only the older list documents newest first. */
  order: z.enum(['newest-first', 'shuffled']).default('newest-first'),
  /** Answer beyond the last page: no items, or 404/1004. */
  beyondLastPage: z.enum(['empty', 'error']).default('empty'),
  /** Answer to a `page-size` above 100: 400/1004, or a page of 100. */
  oversizedPage: z.enum(['reject', 'clamp']).default('reject'),
  /** Maximum rows of a page, whatever the request; no document says whether a server cuts pages silently. */
  maximumPageSize: z.int().min(1).max(100).default(100),
  /** True includes transfers in processing in `active=true`. */
  activeIncludesProcessing: z.boolean().default(false),
  /** Answer to a name in `fields` that no item can have: left out, or 400/1004. */
  unknownFields: z.enum(['ignore', 'reject']).default('ignore'),
  /**
   * Details of the Transfer Status endpoint in listings: all, or all but `fileDownloads`. `none` keeps those that the
   * page on transfer polling names. `odd-pages` has all on odd pages and none on even ones.
   */
  detailsInLists: z.enum(['all', 'no-downloads', 'none', 'odd-pages']).default('all'),
  /** False leaves the same details out of the Transfer Status endpoint. */
  detailsInStatus: z.boolean().default(true),
  /** Bytes added to each listed row with recipients, so that a page of many rows exceeds what a client accepts. */
  rowPaddingBytes: z.int().min(0).max(10_000_000).default(0),

  /** Recipients that a recipient sees: all of them, or only itself. */
  receivedRecipients: z.enum(['all', 'own']).default('all'),
  /** Downloads that a recipient sees: those of all recipients, only its own, or none. */
  receivedDownloads: z.enum(['all', 'own', 'none']).default('all'),
  /** False hides the recipients of a blind copy from all other recipients; no document says that a server does. */
  receivedBcc: z.boolean().default(true),

  /** Dates of downloads: in the server's zone, each in another zone, a year ahead, `null`, missing, or no date. */
  downloadDates: z.enum(['usual', 'other-zones', 'future', 'null', 'missing', 'malformed']).default('usual'),
  /** False leaves the id of the file out of `fileDownloads`. */
  downloadFileIds: z.boolean().default(true),
  /** End of each transfer: as set, `null`, missing, or no date. */
  expirationDates: z.enum(['usual', 'null', 'missing', 'malformed']).default('usual'),
  /** Form of `warnings`: true or false (REST API 1.8 document), or an array of texts. */
  warnings: z.enum(['boolean', 'array']).default('boolean'),
  /** Order of `status.recipients`, which no document fixes. */
  recipientOrder: z.enum(['as-sent', 'reversed']).default('as-sent'),

  /** True keeps the id of recipients when deleting their user data replaces their address. */
  deletedUserKeepsRecipientId: z.boolean().default(true),
  /** True lets a failed or deleted transfer change its state again, which no document mentions. */
  finalStatesChange: z.boolean().default(false),
  /** Transfers that expired more than this many days ago leave the log, in a daily clean-up; `null` for never. */
  purgeAfterDays: z.int().nonnegative().nullable().default(null),

  /** Form of errors: as documented, or replaced by a proxy with an HTML 502 or a 401 without body. */
  errorBody: z.enum(['json', 'html-502', 'empty-401']).default('json'),
  /** Target origin of a 302 for every request, `null` for none. */
  redirectTo: z.url().nullable().default(null),
  /** Time zone of dates and tracking ids, in minutes east of UTC. */
  utcOffsetMinutes: z.int().min(-720).max(840).default(120),
  /** Positive if the server's clock is ahead. */
  clockOffsetMs: z.int().default(0),
  latencyMs: z.int().nonnegative().default(0),
});

export type Switches = z.infer<typeof switchesSchema>;

export const defaultSwitches: Readonly<Switches> = switchesSchema.parse({});
