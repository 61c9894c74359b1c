import { type Deadline, isRecent } from '#functions/clock/instants.ts';
import type { FollowingWatch } from '#functions/transfers/follow.ts';
import { canonicalState, type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { ServerCalls } from './api-calls.ts';
import { listingsSince, longSince, minorOfMajorOne, versionsIn } from './api-version.ts';
import { type CarriedTokens, carriedTokens } from './carried-tokens.ts';
import { type FactsReader, factsReader, fieldsFor } from './details.ts';
import { type Answer, CryptshareFailure, errorCodeOf } from './failure.ts';
import { Listing } from './listing.ts';
import { ListingMemory } from './listing-memory.ts';
import { type PageRows, pageSize, readPages } from './pagination.ts';
import type { TokenSource } from './tokens.ts';

/** Transfers that a listing covers: all, or those that the server's filter `active=true` lets through. */
export type Scope = 'all' | 'active';

/** One pass over all pages of a watch. */
export interface Pass {
  /** Scope that was really listed: all where the server has no filter. */
  readonly scope: Scope;
  readonly listing: Listing;
  /** Requests for pages, repetitions included. */
  readonly requests: number;
  /** Reason why pages are missing; undefined when the listing is complete. */
  readonly failure: CryptshareFailure | undefined;
}

const oldServer =
  'the server is older than REST API 1.12: sent transfers are read from its older listing, received ones cannot be watched';

/** Milliseconds until the version is requested again: after an answer, as updates are rare, and after none. */
const versionAgeMs = 3_600_000;
const unansweredAgeMs = 60_000;

/** Client of a Cryptshare Server: lists transfers, and finds the state of a single transfer. */
export class CryptshareClient {
  readonly calls: ServerCalls;
  /** Unix time in milliseconds until which polls ask for no facts of single transfers, by mailbox; `''` for all. */
  readonly restUntil = new Map<string, number>();
  private readonly tokens: CarriedTokens;
  private readonly memory: ListingMemory;
  /** Warnings that held last time, each in its place. */
  private warned: readonly (string | false | undefined)[] = [];
  private asking: Promise<number | undefined> | undefined;
  /** Lists without details in a row, by watch, and the Unix time in milliseconds of the last one. */
  private readonly plain = new Map<string, { readonly lists: number; readonly since: number }>();
  private version: { readonly minor: number | undefined; readonly askedAt: number; readonly age: number } | undefined;

  constructor(calls: ServerCalls, tokens: TokenSource, memory = new ListingMemory()) {
    this.calls = calls;
    this.tokens = carriedTokens(tokens);
    this.memory = memory;
  }

  /** True when the server is older than REST API 1.12: sent transfers then come from its older listing. */
  get isOld(): boolean {
    return this.version?.minor !== undefined && this.version.minor < listingsSince;
  }

  /** True when the server's listings give no details, as far as the last ones tell. */
  lacksDetails(watch: FollowingWatch): boolean {
    const { lists = 0, since = 0 } = this.plain.get(plainKey(watch)) ?? {};
    return this.isOld || (lists > 1 && isRecent(since, this.calls.options.now().getTime(), versionAgeMs));
  }

  /** New warnings about the server's age and clock; each is given once for as long as it holds. */
  takeWarning(): string | undefined {
    const { clockWords } = this.calls;
    const warnings = [this.isOld && oldServer, clockWords && `${clockWords}: set it, or have it set by NTP`];
    const news = warnings.filter((text, index) => text && !this.warned[index]);
    this.warned = warnings;
    return news.join('; ') || undefined;
  }

  /**
   * Minor version of REST API 1 that the server offers, cached for an hour. Undefined when the server names none, as
   * servers before 1.13. @throws CryptshareFailure when it offers other major versions only
   */
  async minorVersion(deadline: Deadline): Promise<number | undefined> {
    const now = this.calls.options.now().getTime();
    if (this.version && isRecent(this.version.askedAt, now, this.version.age)) return this.version.minor;
    this.asking ??= this.askVersion(deadline).finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /**
   * Lists transfers of a watch, active ones with the facts that it follows. A rejected token is replaced once.
   *
   * @param expected number of transfers at the last listing
   * @param isUnchanged true for a listing in which a page after a full one would be in vain
   * @returns the transfers seen and, if incomplete, the reason; the caller releases the listing
   */
  async list(
    watch: FollowingWatch,
    scope: Scope,
    expected: number,
    deadline: Deadline,
    isUnchanged?: (listing: Listing) => boolean,
  ): Promise<Pass> {
    let pass: Pass = { scope, listing: new Listing(), requests: 0, failure: undefined };
    try {
      let offered = await this.minorVersion(deadline);
      let rejected: string | undefined;
      for (;;) {
        const token = await this.tokens.tokenFor(watch.mailbox, deadline);
        if (token === rejected) return pass;
        const { listing, requests } = pass;
        const next = await this.listOnce(token, offered, watch, scope, expected, deadline, isUnchanged);
        listing.release();
        pass = { ...next, requests: requests + next.requests };
        const { failure } = next;
        if (failure?.kind === 'version_unsupported' && offered === undefined && watch.direction === 'sent') {
          // Without `/status`, an old server reveals itself only by refusing the newer listing.
          offered = this.remember(listingsSince - 1);
        } else {
          if (failure?.kind !== 'token_invalid') return this.judgeDetails(watch, pass);
          pass = { ...pass, failure: await this.tokens.settle(watch.mailbox, failure) };
          if (rejected !== undefined) return pass;
          rejected = token;
        }
      }
    } catch (error) {
      if (error instanceof CryptshareFailure) return { ...pass, failure: error };
      pass.listing.release();
      throw error;
    }
  }

  /** State and followed facts of a sent transfer; undefined for an unknown one. @throws CryptshareFailure */
  status(watch: FollowingWatch, trackingId: string, deadline: Deadline) {
    const { mailbox } = watch;
    return this.calls.withRetries(deadline, mailbox, async () => {
      const token = await this.tokens.tokenFor(mailbox, deadline);
      const path = `${pathOf(mailbox)}/${encodeURIComponent(trackingId)}`;
      const carrying = this.tokens.carrying(mailbox, token);
      const answer = await this.calls.send({ path, minimumMinor: longSince, ...carrying }, deadline);
      if (answer.status === 404 && isAboutTransfer(answer)) return undefined;
      if (answer.status !== 200) {
        const failure = this.calls.failed(answer);
        throw failure.kind === 'token_invalid' ? await this.tokens.settle(mailbox, failure) : failure;
      }
      const data = parsed(() => JSON.parse(answer.body)?.data);
      const raw = data?.status?.state;
      const state = typeof raw === 'string' ? canonicalState(raw) : '';
      if (state === '') throw new CryptshareFailure('malformed_answer', 'no status.state');
      return { state, facts: factsReader(watch, this.calls.serverTime().getTime())?.(data) };
    });
  }

  /** Remembers whether a complete pass over active transfers had details. */
  private judgeDetails(watch: FollowingWatch, pass: Pass): Pass {
    const { listing, failure } = pass;
    if (!listing.hasFacts || failure || listing.active === 0) return pass;
    const key = plainKey(watch);
    const { lists = 0 } = this.plain.get(key) ?? {};
    // One answer alone may be a fault.
    if (listing.told > 0) this.plain.delete(key);
    else this.plain.set(key, { lists: lists + 1, since: this.calls.options.now().getTime() });
    return pass;
  }

  private async listOnce(token: string, offered: number | undefined, ...asked: Parameters<CryptshareClient['list']>) {
    const [watch, wanted, expected, deadline, isUnchanged] = asked;
    const isOld = offered !== undefined && offered < listingsSince;
    const scope = isOld ? 'all' : wanted;
    if (isOld && watch.direction === 'received')
      throw new CryptshareFailure('version_unsupported', `it offers 1.${offered}`);
    const isDetailed = scope === 'active' && !this.lacksDetails(watch);
    // The first answer tells the server's time, whatever was done to the clock here before.
    let reader: FactsReader | undefined;
    const readFacts: FactsReader = (row) => {
      reader ??= factsReader(watch, this.calls.serverTime().getTime());
      return reader?.(row);
    };
    const listing = new Listing(expected, this.memory, isDetailed && watch.follow?.length ? readFacts : undefined);
    const carrying = this.tokens.carrying(watch.mailbox, token);
    let requests = 0;
    const onSend = () => {
      carrying.onSend();
      requests += 1;
    };
    const requestPage = (page: number, size: number, details?: FollowingWatch): Promise<PageRows | 'plain' | 'parts'> =>
      this.calls.withRetries(deadline, watch.mailbox, async () => {
        const call = isOld ? olderPage(watch, page) : newerPage(watch, scope, page, size, fieldsFor(details));
        const answer = await this.calls.send({ ...call, ...carrying, onSend }, deadline).catch((error) => {
          if (details && error instanceof CryptshareFailure && error.kind === 'answer_too_large') return undefined;
          throw error;
        });
        if (!answer) return 'parts';
        if (page > 1 && isBeyondEnd(answer)) return { rows: 0, added: 0 };
        // A server that does not know these fields refuses them.
        if (details && answer.status === 400) return 'plain';
        if (answer.status !== 200) throw this.calls.failed(answer);
        return parsed(() => listing.addPage(answer.body));
      });
    const takePage = async (page: number, size = pageSize): Promise<PageRows> => {
      const whole = await requestPage(page, size, listing.hasFacts ? watch : undefined);
      if (typeof whole === 'object') return whole;
      if (whole === 'plain' || size === 1) return (await requestPage(page, size)) as PageRows;
      // A page that is too large is read in halves, an odd one in fifths.
      const parts = size % 2 === 0 ? 2 : 5;
      const sum = { rows: 0, added: 0 };
      for (let part = 1; part <= parts; part += 1) {
        const { rows, added } = await takePage((page - 1) * parts + part, size / parts);
        sum.rows += rows;
        sum.added += added;
        if (rows < size / parts) break;
      }
      return sum;
    };
    const isWhole = () => scope === 'active' && listing.size === expected && isUnchanged?.(listing) === true;
    const failure = await readPages(takePage, expected, this.calls.options.maxConcurrentPages, isWhole);
    return { scope, listing, requests, failure };
  }

  private async askVersion(deadline: Deadline): Promise<number | undefined> {
    // Unlike every other call, this one must carry no X-CS header.
    const answer = await this.calls.send({ path: '/status', minimumMinor: undefined }, deadline).catch((error) => {
      if (!(error instanceof CryptshareFailure)) throw error;
    });
    const versions = answer?.status === 200 ? versionsIn(answer.body) : [];
    const minor = minorOfMajorOne(versions);
    if (versions.length > 0 && minor === undefined) {
      const offered = versions.map((version) => `${version.major}.${version.minor}`).join(', ');
      throw new CryptshareFailure('major_version_gone', `it offers ${offered}`);
    }
    // A failure on the way says nothing about the version, and the listing will report it better.
    if (answer?.status === 200 || answer?.status === 404) return this.remember(minor);
    return this.remember(this.version?.minor, unansweredAgeMs);
  }

  private remember(minor: number | undefined, age = versionAgeMs): number | undefined {
    this.version = { minor, askedAt: this.calls.options.now().getTime(), age };
    return minor;
  }
}

const plainKey = (watch: FollowingWatch): string => `${watchKey(watch)} ${watch.follow}`;

const pathOf = (mailbox: string): string => `/users/${encodeURIComponent(mailbox)}/transfers`;

function newerPage({ mailbox, direction }: Watch, scope: Scope, page: number, size: number, fields: string) {
  const filter = scope === 'active' ? { active: 'true' } : {};
  const query = new URLSearchParams({ fields, ...filter, page: String(page), 'page-size': String(size) });
  return { path: `${pathOf(mailbox)}/${direction}-transfers?${query}`, minimumMinor: listingsSince };
}

/** A page of the older listing, which has no `fields` and goes with REST API 2. */
function olderPage({ mailbox }: Watch, page: number) {
  const query = new URLSearchParams({ page: String(page), 'page-size': String(pageSize) });
  return { path: `${pathOf(mailbox)}?${query}`, minimumMinor: longSince };
}

/** True for a page beyond the last. Some servers answer with the error for a malformed parameter, not an empty list. */
const isBeyondEnd = ({ status, body }: Answer) => (status === 400 || status === 404) && errorCodeOf(body) === 1004;

/** True when a 404 is the server's own and concerns neither the endpoint (code 1006) nor the version (2004). */
function isAboutTransfer({ body }: Answer): boolean {
  const code = errorCodeOf(body);
  return code !== undefined && code !== 1006 && code !== 2004;
}

/** Runs a reader of an answer; content that it cannot read is the server's failure. */
function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CryptshareFailure) throw error;
    throw new CryptshareFailure('malformed_answer', error instanceof SyntaxError ? 'not JSON' : 'no list of transfers');
  }
}
