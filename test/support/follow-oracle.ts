import type { EventTypeAbout } from '#functions/events/catalogue.ts';
import { type FollowingWatch, follows, type Problem, usualOverdueBeforeMs } from '#functions/transfers/follow.ts';
import { isActive, isFinal } from '#functions/transfers/transfer.ts';
import type { FirstFetch, LiveFacts } from './followed-life.ts';

type EventType = EventTypeAbout<'transfer'>;

/** An event that a look at a transfer must give. */
export interface ExpectedNews {
  readonly type: EventType;
  /** Methods and time of the first fetch, for `transfer.downloaded`. */
  readonly fetch?: FirstFetch;
  readonly recipients?: number;
  readonly downloadedBy?: number;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
  readonly problems?: readonly Problem[];
}

/** One moment at which a poll has seen a transfer, with its facts. */
export interface Look {
  /** Milliseconds since 1970, by the server's clock. */
  readonly at: number;
  /** Undefined if the look tells nothing but the state. */
  readonly facts: LiveFacts | undefined;
  /** True while the watch stores its baseline. */
  readonly isSilent: boolean;
}

/** Milliseconds after its end for which an active transfer may be overdue: a server cleans up within a week. */
const longestCleanUpMs = 7 * 86_400_000;

/** Persons who have fetched something. */
export const fetchersIn = ({ persons }: LiveFacts): string[] =>
  [...persons].flatMap(([person, fetch]) => (fetch ? [person] : []));

export const isFetchedByAll = (facts: LiveFacts): boolean => fetchersIn(facts).length === facts.persons.size;

/** True for an active transfer whose end is near while a recipient has fetched nothing. */
export function isOverdueAt(facts: LiveFacts, at: number, { overdueBeforeMs = usualOverdueBeforeMs }: FollowingWatch) {
  const leftMs = (facts.expiresAt ?? Number.NaN) - at;
  const isNear = leftMs < overdueBeforeMs && leftMs > -longestCleanUpMs;
  return isActive(facts.state) && !isFetchedByAll(facts) && isNear;
}

/** Facts of a transfer that its events and its baseline have told. */
interface Told {
  readonly fetched: ReadonlySet<string>;
  readonly isByAll: boolean;
  readonly problems: readonly Problem[];
  /** End of the last overdue event, or of an overdue transfer in the baseline. */
  readonly expiresAt: number;
}

const nothing: Told = { fetched: new Set(), isByAll: false, problems: [], expiresAt: Number.NEGATIVE_INFINITY };

/**
 * Events that looks at one transfer must give, look by look and in order. Expects that every look is complete and
 * committed, and that no id is reused.
 *
 * - A first look while the watch stores its baseline is silent; a new transfer has told nothing yet.
 * - A transfer that has ended is asked after once: only its last fetches are news. If it returns, it begins silently.
 */
export function expectedNews(looks: readonly Look[], watch: FollowingWatch): readonly (readonly ExpectedNews[])[] {
  let told: Told | undefined = nothing;
  let state: string | undefined;
  return looks.map(({ at, facts, isSilent }) => {
    if (!facts) return [];
    const wasActive: boolean = state !== undefined && isActive(state);
    state = facts.state;
    const hasEnded = isFinal(facts.state);
    if (hasEnded && wasActive && told) {
      const before = told;
      told = undefined;
      return watch.direction === 'sent' && !isSilent ? fetchNews(before, facts, watch) : [];
    }
    if (hasEnded) told = undefined;
    if (!isActive(facts.state)) return [];
    const before = told;
    told = toldAfter(before ?? nothing, facts, at, watch);
    return isSilent || !before ? [] : newsOf(before, told, facts, watch);
  });
}

function toldAfter(before: Told, facts: LiveFacts, at: number, watch: FollowingWatch): Told {
  const isNew = isOverdueAt(facts, at, watch) && facts.expiresAt! > before.expiresAt;
  return {
    fetched: new Set([...before.fetched, ...fetchersIn(facts)]),
    isByAll: before.isByAll || isFetchedByAll(facts),
    problems: facts.problems,
    expiresAt: isNew ? facts.expiresAt! : before.expiresAt,
  };
}

function newsOf(before: Told, after: Told, facts: LiveFacts, watch: FollowingWatch): ExpectedNews[] {
  const counts = { recipients: facts.persons.size, downloadedBy: fetchersIn(facts).length };
  const news = [...fetchNews(before, facts, watch), ...problemNews(before.problems, after.problems, watch)];
  const isOverdue = after.expiresAt !== before.expiresAt;
  if (follows(watch, 'overdue') && isOverdue) {
    news.push({ type: 'transfer.overdue', expiresAt: after.expiresAt, ...counts });
  }
  return news;
}

function problemNews(before: readonly Problem[], after: readonly Problem[], watch: FollowingWatch): ExpectedNews[] {
  if (!follows(watch, 'problems')) return [];
  const isNew = after.some((problem) => !before.includes(problem));
  if (isNew) return [{ type: 'transfer.problem', problems: after }];
  return after.length === 0 && before.length > 0 ? [{ type: 'transfer.problem_resolved' }] : [];
}

function fetchNews(before: Told, facts: LiveFacts, watch: FollowingWatch): ExpectedNews[] {
  if (!follows(watch, 'downloads')) return [];
  const recipients = facts.persons.size;
  const fetchers = fetchersIn(facts);
  let downloadedBy = fetchers.filter((person) => before.fetched.has(person)).length;
  const news = fetchers
    .filter((person) => !before.fetched.has(person))
    .map((person): ExpectedNews => {
      downloadedBy += 1;
      return { type: 'transfer.downloaded', fetch: facts.persons.get(person)!, recipients, downloadedBy };
    });
  // A received watch sees itself alone.
  const isNewsOfAll = watch.direction === 'sent' && isFetchedByAll(facts) && !before.isByAll;
  return isNewsOfAll ? [...news, { type: 'transfer.downloaded_by_all', recipients, downloadedBy }] : news;
}
