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
  /** Milliseconds without a transfer sent after which a token ends. */
  idleTermMs: z.int().positive(),
  /** Milliseconds after which a token ends in any case, `null` for never. */
  maximumTermMs: z.int().positive().nullable(),
  /** Limit of POSTs to verification endpoints per minute, beyond it 429/2007; `null` for no limit. */
  verificationsPerMinute: z.int().nonnegative().nullable(),

  /** Item shape: `nested` as `fields` suggests, or `flat` as in the older list. */
  itemShape: z.enum(['nested', 'flat']),
  /** Spelling of states: `DELETED_BY_ADMIN` (REST API 1.8 document) or `Deleted_by_admin` (the vendor's prose). */
  stateSpelling: z.enum(['upper', 'prose']),
  /** Order of listings; only the older list documents newest first. */
  order: z.enum(['newest-first', 'shuffled']),
  /** Answer beyond the last page: no items, or 404/1004. */
  beyondLastPage: z.enum(['empty', 'error']),
  /** Maximum rows of a page, whatever the request; no document says whether a server cuts pages silently. */
  maximumPageSize: z.int().min(1).max(100),
  /** True includes transfers in processing in `active=true`. */
  activeIncludesProcessing: z.boolean(),

  /** True lets a failed or deleted transfer change its state again, which no document mentions. */
  finalStatesChange: z.boolean(),

  /** Target origin of a 302 for every request, `null` for none. */
  redirectTo: z.url().nullable(),
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
  idleTermMs: 30 * dayMs,
  maximumTermMs: null,
  verificationsPerMinute: null,
  itemShape: 'nested',
  stateSpelling: 'upper',
  order: 'newest-first',
  beyondLastPage: 'empty',
  maximumPageSize: 100,
  activeIncludesProcessing: false,
  finalStatesChange: false,
  redirectTo: null,
  clockOffsetMs: 0,
  latencyMs: 0,
};
