import { addressKey } from '#functions/transfers/address-key.ts';
import type { Facts, Fetch, FollowingWatch } from '#functions/transfers/follow.ts';
import { follows, problems, usualOverdueBeforeMs } from '#functions/transfers/follow.ts';

/** Recipients of a transfer that are told apart; a transfer with more counts none. */
const mostRecipients = 1000;

/** Milliseconds after its end for which an active transfer may be overdue; the server cleans up once a day. */
const longestCleanUpMs = 7 * 86_400_000;

/** ISO 8601 with a zone, with or without a colon in it (REST API 1.8 document). */
const dateForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/;

/** Bounds of years of four digits in UTC. A zone can move a date beyond them, where ISO 8601 has another form. */
const [firstDate, lastDate] = ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'].map(Date.parse) as [number, number];

/** Fields in the grammar of the vendor's page on transfer polling; no space, because trimming is undocumented. */
const listOf = (...fields: readonly (string | false)[]): string => fields.filter(Boolean).join();

/** Value of `fields` for a watch; `undefined` asks for the state alone. @example `trackingId,status(state)` */
export function fieldsFor(watch: FollowingWatch | undefined): string {
  if (!watch) return 'trackingId,status(state)';
  const [hasProblems, hasOverdue] = [follows(watch, 'problems'), follows(watch, 'overdue')];
  const recipients = listOf(
    follows(watch, 'downloads') && 'id',
    watch.direction === 'received' && 'mail',
    hasProblems && 'notificationFailed',
    (follows(watch, 'downloads') || hasOverdue) && 'fileDownloads(downloads(downloadDate,retrievalMethod))',
  );
  const ofProblems = hasProblems && 'warnings,emlCreationFailed,sender(notificationFailed),files(removed)';
  const status = listOf('state', `recipients(${recipients})`, ofProblems);
  return listOf('trackingId', `status(${status})`, hasOverdue && 'transfer(expirationDate)');
}

/** Reads the facts of a transfer; undefined when the server does not give what the watch follows. */
export type FactsReader = (row: unknown) => Facts | undefined;

/** An object of an answer; none of its properties can be relied on. */
type Raw = Readonly<Record<string, unknown>>;

/** @param now Unix time in milliseconds by the server's clock, the same for all rows of a pass */
export function factsReader(watch: FollowingWatch, now: number): FactsReader | undefined {
  if (!watch.follow?.length) return undefined;
  const [hasDownloads, hasOverdue] = [follows(watch, 'downloads'), follows(watch, 'overdue')];
  const { overdueBeforeMs = usualOverdueBeforeMs } = watch;
  return (row) => {
    // A flat row has the properties of `status` itself.
    const { status: given = row, transfer } = rawOf(row);
    const status = rawOf(given);
    const { expirationDate } = rawOf(transfer === undefined ? row : transfer);
    const recipients = recipientsOf(status.recipients, watch);
    const found = follows(watch, 'problems') ? problemsIn(status, recipients) : [];
    const fetches = hasDownloads || hasOverdue ? fetchesOf(recipients, hasDownloads) : new Map<string, undefined>();
    if (!found || !fetches || (hasOverdue && expirationDate !== null && !isDate(expirationDate))) return undefined;
    const counts = { recipients: fetches.size, downloadedBy: 0 };
    for (const fetch of fetches.values()) if (fetch) counts.downloadedBy += 1;
    const isOpen = counts.downloadedBy < counts.recipients;
    const endsAt = hasOverdue && isOpen ? timeOf(expirationDate) : Number.NaN;
    const isOverdue = endsAt - now < overdueBeforeMs && endsAt - now > -longestCleanUpMs;
    const expiresAt = isOverdue ? new Date(endsAt).toISOString() : undefined;
    return {
      fetches,
      downloads: hasDownloads ? counts : undefined,
      problems: follows(watch, 'problems') ? found : undefined,
      overdue: hasOverdue ? { ...counts, isOverdue, expiresAt } : undefined,
    };
  };
}

/** Unix time in milliseconds; not a number for anything but a date in bounds. */
function timeOf(value: unknown): number {
  const time = typeof value === 'string' && dateForm.test(value) ? Date.parse(value) : Number.NaN;
  return time >= firstDate && time <= lastDate ? time : Number.NaN;
}

const isDate = (value: unknown): value is string => !Number.isNaN(timeOf(value));
const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null;
const rawOf = (value: unknown): Raw => (isRaw(value) ? value : {});

/** The list itself where it holds nothing else, because copies of thousands of lists take time. */
function objectsIn(list: unknown): readonly Raw[] | undefined {
  if (!Array.isArray(list)) return undefined;
  return list.every(isRaw) ? list : list.filter(isRaw);
}

/** Recipients as the watch may see them: a received watch sees itself alone, never those of a blind copy. */
function recipientsOf(list: unknown, { direction, mailbox }: FollowingWatch): readonly Raw[] | undefined {
  const all = objectsIn(list);
  if (!all) return undefined;
  // A transfer without countable recipients counts none, so that the others of its bucket can be compared.
  if (direction === 'sent') return all.length > mostRecipients ? [] : all;
  const own = all.filter(({ mail }) =>
    typeof mail === 'string' ? addressKey(mail) === addressKey(mailbox) : all.length === 1,
  );
  return own.length === 1 ? own : undefined;
}

/** First fetch of each recipient, by id or by place in the list. Undefined when an id or the fetches are missing. */
function fetchesOf(recipients: readonly Raw[] | undefined, isById: boolean) {
  const fetches = new Map<string, Fetch | undefined>();
  for (const [place, { id, fileDownloads }] of recipients?.entries() ?? []) {
    const files = objectsIn(fileDownloads);
    const key = isById ? id : `${place}`;
    if (typeof key !== 'string' || key === '' || !files) return undefined;
    fetches.set(key, firstFetch(files) ?? fetches.get(key));
  }
  return recipients && fetches;
}

function firstFetch(files: readonly Raw[]): Fetch | undefined {
  let first: Fetch | undefined;
  for (const { downloads } of files) {
    for (const { downloadDate: date, retrievalMethod } of objectsIn(downloads) ?? []) {
      const isFirst = first?.at === undefined || (typeof date === 'string' && isEarlier(date, first.at));
      if (first && !(isFirst && isDate(date))) continue;
      first = { method: retrievalMethod === 'VIEWED' ? 'viewed' : 'downloaded', at: isDate(date) ? date : undefined };
    }
  }
  return first;
}

/** Compares texts where their zones are the same, because parsing thousands of dates takes time. */
const isEarlier = (a: string, b: string): boolean =>
  a.length === b.length && zoneOf(a) === zoneOf(b) ? a < b : Date.parse(a) < Date.parse(b);

const zoneOf = (date: string): string => (date.endsWith('Z') ? 'Z' : date.slice(-6));

/** Problems in the order of {@link problems}; undefined when the server gives none of their fields. */
function problemsIn({ warnings, emlCreationFailed, sender, files }: Raw, recipients?: readonly Raw[]) {
  const given = [warnings, emlCreationFailed, files, recipients?.[0]?.notificationFailed];
  if (given.every((each) => each === undefined)) return undefined;
  const holds = {
    recipient_not_notified: recipients?.some(({ notificationFailed }) => notificationFailed === true),
    sender_not_notified: rawOf(sender).notificationFailed === true,
    files_removed: objectsIn(files)?.some(({ removed }) => removed === true),
    message_not_created: emlCreationFailed === true,
    other: false,
  };
  const known = problems.filter((problem) => holds[problem]);
  const isWarned = warnings === true || (Array.isArray(warnings) && warnings.length > 0);
  return known.length === 0 && isWarned ? (['other'] as const) : known;
}
