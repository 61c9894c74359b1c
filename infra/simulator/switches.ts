import { z } from 'zod';

export const dayMs = 24 * 60 * 60 * 1000;

/**
 * Behaviour that the vendor's documents leave open, contradict or leave to the administrator. Each switch selects one
 * of the ways that a client must cope with, and may change while the server runs. The defaults are the most likely
 * reading of the documents, for a current server. Where these are silent or disagree: the REST API 1.8 document has `CLIENT_ID`,
 * `DELETED_BY_ADMIN` and warnings as true or false; the vendor's prose `clientId` and `Deleted_by_admin`. No document fixes
 * the order of `sent-transfers` and of recipients, whether pages are cut silently, or whom a blind copy hides.
 */
export const switchesSchema = z.strictObject({
  minor: z.int().nonnegative().default(15).describe('version 1.x of the API: both directions from 12, status from 13'),
  licensed: z.boolean().default(true).describe('false: 403/3001 for all but /api/status, as without a licence'),
  statusWrapped: z.boolean().default(false).describe('true: /api/status wraps its answer in data, like the others'),
  methodSpelling: z
    .enum(['upper', 'camel'])
    .default('upper')
    .describe('verification methods as CLIENT_ID (upper) or clientId (camel)'),
  listTokenStatus: z
    .literal([401, 403])
    .default(401)
    .describe('status of listings with an invalid token, code 3002: 401 or 403'),
  verificationTokenStatus: z
    .literal([403, 401, 200])
    .default(403)
    .describe('the same of verification calls: 403, 401, or 200 (not verified)'),
  validUntil: z
    .enum(['present', 'null', 'missing'])
    .default('present')
    .describe('end of a token in answers: present, null or missing'),
  newTokenVoidsOlder: z.boolean().default(true).describe('true: a new token ends those of its client id and mailbox'),
  idleTermMs: z
    .int()
    .positive()
    .default(30 * dayMs)
    .describe('ms without a transfer sent after which a token ends'),
  maximumTermMs: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('ms after which a token ends in any case; null: never'),
  verificationsPerMinute: z
    .int()
    .nonnegative()
    .nullable()
    .default(null)
    .describe('verifications a minute, beyond it 429/2007; null: no limit'),
  retryAfter: z.boolean().default(true).describe('true: that 429 has Retry-After'),
  itemShape: z
    .enum(['nested', 'flat', 'swapped-recipients'])
    .default('nested')
    .describe('listed items: nested, flat, or swapped-recipients'),
  stateSpelling: z
    .enum(['upper', 'prose'])
    .default('upper')
    .describe('states as DELETED_BY_ADMIN (upper) or Deleted_by_admin (prose)'),
  order: z
    .enum(['newest-first', 'shuffled'])
    .default('newest-first')
    .describe('order of listings: newest-first or shuffled'),
  beyondLastPage: z
    .enum(['empty', 'error'])
    .default('empty')
    .describe('answer beyond the last page: empty, or error (404/1004)'),
  oversizedPage: z
    .enum(['reject', 'clamp'])
    .default('reject')
    .describe('answer to a page-size above 100: reject (400/1004) or clamp'),
  maximumPageSize: z.int().min(1).max(100).default(100).describe('rows of a page at most, whatever the request wants'),
  activeIncludesProcessing: z.boolean().default(false).describe('true: active=true lists transfers in processing, too'),
  unknownFields: z
    .enum(['ignore', 'reject'])
    .default('ignore')
    .describe('names in fields that no item has: ignore, or reject (400/1004)'),
  detailsInLists: z
    .enum(['all', 'no-downloads', 'none', 'odd-pages'])
    .default('all')
    .describe('details in listings: all, no-downloads, none, or odd-pages alone'),
  detailsInStatus: z.boolean().default(true).describe('false: the Transfer Status endpoint lacks these details, too'),
  rowPaddingBytes: z.int().min(0).max(10_000_000).default(0).describe('bytes added to each listed row with recipients'),
  receivedRecipients: z.enum(['all', 'own']).default('all').describe('recipients that a recipient sees: all, or own'),
  receivedDownloads: z
    .enum(['all', 'own', 'none'])
    .default('all')
    .describe('downloads that a recipient sees: all, own, or none'),
  receivedBcc: z.boolean().default(true).describe('false: recipients of a blind copy are hidden from the others'),
  downloadDates: z
    .enum(['usual', 'other-zones', 'future', 'null', 'missing', 'malformed'])
    .default('usual')
    .describe('usual, other-zones, future (a year), null, missing or malformed'),
  downloadFileIds: z.boolean().default(true).describe('false: fileDownloads lack the id of the file'),
  expirationDates: z
    .enum(['usual', 'null', 'missing', 'malformed'])
    .default('usual')
    .describe('end of a transfer: usual, null, missing or malformed'),
  warnings: z.enum(['boolean', 'array']).default('boolean').describe('warnings as boolean, or as array of texts'),
  recipientOrder: z
    .enum(['as-sent', 'reversed'])
    .default('as-sent')
    .describe('order of recipients: as-sent or reversed'),
  deletedUserKeepsRecipientId: z
    .boolean()
    .default(true)
    .describe('true: recipients keep their id when their address is deleted'),
  finalStatesChange: z
    .boolean()
    .default(false)
    .describe('true: a failed or deleted transfer may change its state again'),
  purgeAfterDays: z
    .int()
    .nonnegative()
    .nullable()
    .default(null)
    .describe('days after its end when a transfer leaves the log; null: never'),
  errorBody: z
    .enum(['json', 'html-502', 'empty-401'])
    .default('json')
    .describe('errors as json, or of a proxy: html-502 or empty-401'),
  redirectTo: z.url().nullable().default(null).describe('origin of a 302 for every request; null: none'),
  utcOffsetMinutes: z
    .int()
    .min(-720)
    .max(840)
    .default(120)
    .describe('time zone of dates and tracking ids, in minutes east of UTC'),
  clockOffsetMs: z.int().default(0).describe('ms by which the clock of the server is ahead'),
  latencyMs: z.int().min(0).max(600_000).default(0).describe('ms before each answer'),
});

export type Switches = z.infer<typeof switchesSchema>;

export const defaultSwitches: Readonly<Switches> = switchesSchema.parse({});
