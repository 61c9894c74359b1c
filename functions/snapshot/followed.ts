import * as r from '#functions/dynamodb/row-reader.ts';
import type { Change } from '#functions/events/transfer-event.ts';
import { type Counts, type Facts, type FollowingWatch, follows, problems } from '#functions/transfers/follow.ts';

/** Keyed hashes in a row, so that it stays small even if ids keep changing. */
const mostKnown = 2000;

/** Fetches told at a time, as their events must fit into a row of 400 KB. The digest makes the next poll go on. */
export const mostNews = 200;

/** Facts in a transfer's row: those that its events have told, and those of the digest. */
export const followedSchema = r.object({
  downloads: r.optional(
    r.object({
      recipients: r.number,
      downloadedBy: r.number,
      /** Numbers of recipients, from 1, by keyed hashes of their ids; a replaced id keeps its number. */
      numbers: r.record(r.number),
      /** Numbers that no recipient had at the last look. An id that appears later is another recipient. */
      gone: r.optional(r.list(r.number)),
      /** Numbers of the recipients that have ever fetched something. */
      fetched: r.list(r.number),
      /** True once all recipients had fetched something. */
      isByAll: r.flag,
    }),
  ),
  problems: r.optional(r.list(r.oneOf(problems))),
  overdue: r.optional(
    r.object({
      isOverdue: r.flag,
      /** ISO 8601 end of an overdue transfer. */
      expiresAt: r.optional(r.text),
      /** ISO 8601 end that the last event told, or the latest of a baseline. */
      told: r.optional(r.text),
    }),
  ),
  /** True while the server gives no details of this transfer; the others here are those it gave last. */
  isUntold: r.optional(r.flag),
});

export type FollowedFacts = r.ReadBy<typeof followedSchema>;

type Downloads = NonNullable<FollowedFacts['downloads']>;

const noDownloads: Downloads = { recipients: 0, downloadedBy: 0, numbers: {}, fetched: [], isByAll: false };

/** Facts of a transfer that is new in a followed watch: all that the server tells of it is news. */
export const noFacts = (watch: FollowingWatch): FollowedFacts => ({
  ...(follows(watch, 'downloads') && { downloads: noDownloads }),
  ...(follows(watch, 'problems') && { problems: [] }),
  ...(follows(watch, 'overdue') && { overdue: { isOverdue: false } }),
});

/**
 * Compares facts with those of a transfer's row. A kind of fact that the row lacks is stored without news. `hash` is
 * the keyed hash of a recipient's id.
 * @example compareFacts({ problems: [] }, { problems: ['files_removed'] }, watch, hash).news
 *   // [{ news: 'transfer.problem', problems: ['files_removed'] }]
 */
export function compareFacts(before: FollowedFacts, facts: Facts, watch: FollowingWatch, hash: (id: string) => string) {
  if (facts.isUntold) return { after: { ...before, isUntold: true }, news: [] };
  const present: Present = new Map(facts.downloads && [...facts.fetches].map(([id, fetch]) => [hash(id), fetch]));
  const downloads = facts.downloads && compareDownloads(before.downloads, facts.downloads, present);
  const after: FollowedFacts = {
    ...(downloads && { downloads: downloads.after }),
    ...(facts.problems && { problems: facts.problems }),
    ...(facts.overdue && { overdue: overdueAfter(before.overdue, facts.overdue) }),
  };
  const news: Partial<Change>[] = before.downloads ? [...(downloads?.news ?? [])] : [];
  // A received watch sees itself alone.
  const isByAll = after.downloads?.isByAll && before.downloads?.isByAll === false && watch.direction === 'sent';
  if (isByAll) news.push({ news: 'transfer.downloaded_by_all', ...facts.downloads });
  if (after.problems && before.problems) {
    const isNew = after.problems.some((problem) => !before.problems?.includes(problem));
    if (isNew) news.push({ news: 'transfer.problem', problems: after.problems });
    if (after.problems.length === 0 && before.problems.length > 0) news.push({ news: 'transfer.problem_resolved' });
  }
  const { told } = after.overdue ?? {};
  if (facts.overdue && before.overdue && told !== undefined && told !== before.overdue.told) {
    const { recipients, downloadedBy } = facts.overdue;
    news.push({ news: 'transfer.overdue', expiresAt: told, recipients, downloadedBy });
  }
  return { after, news };
}

/** First fetches of the recipients that the server shows, by the keyed hashes of their ids. */
type Present = Facts['fetches'];

/** An end that moved to an earlier time is no news: the transfer was overdue already. */
function overdueAfter(before: FollowedFacts['overdue'], { isOverdue, expiresAt }: NonNullable<Facts['overdue']>) {
  const isLater = isOverdue && expiresAt !== undefined && expiresAt > (before?.told ?? '');
  const told = isLater ? expiresAt : before?.told;
  return { isOverdue, ...(isOverdue && { expiresAt }), ...(told !== undefined && { told }) };
}

function compareDownloads(before: Downloads | undefined, counts: Counts, present: Present) {
  const numbers = numbered(before ?? noDownloads, present);
  const isTold = new Set(before?.fetched);
  // An id and the one that replaced it share a number, if the server shows both.
  const byNumber = new Map([...present].flatMap(([key, fetch]) => (fetch ? [[numbers[key]!, fetch]] : [])));
  const untold = [...byNumber].filter(([recipient]) => !isTold.has(recipient)).sort(([a], [b]) => a - b);
  let downloadedBy = byNumber.size - untold.length;
  const telling = before ? untold.slice(0, mostNews) : untold;
  const withheld = untold.length - telling.length;
  const news = telling.map(([recipient, { method, at }]): Partial<Change> => {
    downloadedBy += 1;
    const { recipients } = counts;
    const when = at === undefined ? {} : { downloadedAt: minuteOf(at) };
    return { news: 'transfer.downloaded', recipient, recipients, downloadedBy, method, ...when };
  });
  const isAll = counts.recipients > 0 && counts.downloadedBy === counts.recipients && withheld === 0;
  const shown = new Set([...present.keys()].map((key) => numbers[key]!));
  const gone = [...new Set(Object.values(numbers)).difference(shown)];
  const after: Downloads = {
    ...counts,
    downloadedBy: counts.downloadedBy - withheld,
    numbers,
    ...(gone.length > 0 && { gone }),
    fetched: [...new Set([...isTold, ...telling.map(([recipient]) => recipient)])],
    isByAll: isAll || (before?.isByAll ?? false),
  };
  return { after, news };
}

/**
 * Numbers of all recipients seen so far. When ids vanish while others appear, the server has replaced them. It does so
 * when it deletes a person's data. A new id takes a vanished one's number, first that of one who has fetched as well.
 */
function numbered({ numbers: known, gone = [], fetched }: Downloads, present: Present) {
  const numbers: Record<string, number> = { ...known };
  const seen = new Set([...present.keys()].flatMap((key) => known[key] ?? []));
  const isVanished = (number: number) => !seen.has(number) && !gone.includes(number);
  const vanished = [...new Set(Object.values(known))].filter(isVanished).sort((a, b) => a - b);
  for (const [key, fetch] of present) {
    if (numbers[key] !== undefined) continue;
    const same = vanished.find((number) => fetched.includes(number) === (fetch !== undefined)) ?? vanished[0];
    if (same !== undefined) vanished.splice(vanished.indexOf(same), 1);
    numbers[key] = same ?? Math.max(0, ...Object.values(numbers)) + 1;
  }
  if (Object.keys(numbers).length <= mostKnown) return numbers;
  return Object.fromEntries([...present.keys()].map((key) => [key, numbers[key]!]));
}

/** @example minuteOf('2024-05-22T08:59:04+02:00'); // '2024-05-22T06:59:00.000Z' */
const minuteOf = (date: string): string => `${new Date(date).toISOString().slice(0, 16)}:00.000Z`;
