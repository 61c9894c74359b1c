import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { type FollowingWatch, follows, type Problem, usualOverdueBeforeMs } from '#functions/transfers/follow.ts';
import { isActive } from '#functions/transfers/transfer.ts';
import { fetchersIn, isFetchedByAll, isOverdueAt } from './follow-oracle.ts';
import type { FirstFetch, FollowedLife, LiveFacts, Moment } from './followed-life.ts';

/** Life of a transfer, and what the notifier was allowed to take silently. */
export interface Judged {
  readonly life: FollowedLife;
  /** Milliseconds since 1970: what was so by then may have entered the baseline; undefined for a later transfer. */
  readonly silentUntil: number | undefined;
  /** True when the last polls saw the transfer active, without any fault. */
  readonly isSettled: boolean;
  /** Milliseconds since 1970: the last poll. */
  readonly endsAt: number;
}

type Data = Pick<
  TransferEvent['data'],
  'recipient' | 'recipients' | 'downloadedBy' | 'method' | 'downloadedAt' | 'expiresAt' | 'problems'
>;

/** An event as far as this judges it. */
export interface FollowEvent {
  readonly type: TransferEvent['type'];
  /** ISO 8601. */
  readonly timestamp: string;
  readonly data: Data;
}

/**
 * Judges the events of one transfer, whatever faults its polls had. Each must have been true at some moment before it.
 * None may be missing or repeated. Without the polls at hand it allows any order of looks.
 *
 * @param events all about this transfer, without repetitions of an id, in the order of their sequence
 * @returns complaints; none for right events
 */
export function complaintsAbout(judged: Judged, events: readonly FollowEvent[], watch: FollowingWatch): string[] {
  const moments = judged.life.moments.filter((moment): moment is Moment & { facts: LiveFacts } => !!moment.facts);
  const of = (type: FollowEvent['type']) => events.filter((event) => event.type === type);
  const before = (event: FollowEvent) => moments.filter(({ at }) => at <= Date.parse(event.timestamp));
  return [
    ...falseDownloads(judged, of('transfer.downloaded'), before),
    ...falseByAll(of('transfer.downloaded_by_all'), before, watch),
    ...falseOverdue(judged, of('transfer.overdue'), before, watch),
    ...falseProblems(events, before),
    ...(judged.isSettled ? lost(judged, moments, events, watch) : []),
  ];
}

type Before = (event: FollowEvent) => readonly (Moment & { readonly facts: LiveFacts })[];

function falseDownloads({ life }: Judged, events: readonly FollowEvent[], before: Before): string[] {
  const numbers = events.map(({ data }) => data.recipient);
  const repeated = new Set(numbers).size < numbers.length ? [`recipients ${numbers} fetched more than once`] : [];
  const personOf = personsFor(events, before);
  const untrue = events.flatMap((event) => {
    const { method, downloadedAt, recipients, downloadedBy } = event.data;
    const past = before(event);
    const fetched = new Map(past.flatMap(({ facts }) => [...facts.persons].filter(([, fetch]) => fetch)));
    const person = personOf.get(event);
    const hasHad = past.some(({ facts }) => facts.persons.size === recipients);
    return [
      ...(person === undefined && life.isClear ? [`no other has ${method} at ${downloadedAt}`] : []),
      ...(hasHad || !life.isClear ? [] : [`never had ${recipients} recipients`]),
      ...(downloadedBy! >= 1 && downloadedBy! <= recipients! ? [] : [`${downloadedBy} of ${recipients} have fetched`]),
      ...(fetched.size > 0 ? [] : ['no one has fetched']),
    ];
  });
  return [...repeated, ...untrue];
}

/**
 * Gives each fetch that is told a person of its own, who had it at some moment before. A person's first fetch
 * may change, as earlier dates turn up. So a person whom another fetch also fits makes way if it can.
 */
function personsFor(events: readonly FollowEvent[], before: Before): Map<FollowEvent, string> {
  const taken = new Map<string, FollowEvent>();
  const find = (event: FollowEvent, tried: Set<string>): boolean => {
    const { method, downloadedAt } = event.data;
    const isSo = (fetch: FirstFetch | null) =>
      fetch?.methods.includes(method!) && (fetch.at === null ? undefined : toMinute(fetch.at)) === downloadedAt;
    const fitting = before(event).flatMap(({ facts }) => [...facts.persons].filter(([, fetch]) => isSo(fetch)));
    return fitting.some(([person]) => {
      if (tried.has(person)) return false;
      tried.add(person);
      const other = taken.get(person);
      if (other && !find(other, tried)) return false;
      taken.set(person, event);
      return true;
    });
  };
  for (const event of events) find(event, new Set());
  return new Map([...taken].map(([person, event]) => [event, person]));
}

function falseByAll(events: readonly FollowEvent[], before: Before, watch: FollowingWatch): string[] {
  const untrue = events.filter((event) => !before(event).some(({ facts }) => isFetchedByAll(facts)));
  return [
    ...(events.length > 1 ? ['fetched by all more than once'] : []),
    ...(events.length > 0 && watch.direction === 'received' ? ['a received watch knows of others'] : []),
    ...untrue.map(() => 'not fetched by all'),
  ];
}

function falseOverdue(
  { life }: Judged,
  events: readonly FollowEvent[],
  before: Before,
  watch: FollowingWatch,
): string[] {
  const ends = events.map(({ data }) => data.expiresAt!);
  const isRising = ends.every((end, index) => index === 0 || end > ends[index - 1]!);
  const untrue = events.filter((event) => {
    const now = Date.parse(event.timestamp);
    const past = before(event);
    // A reused id leaves open how many recipients there are.
    return (
      life.isClear &&
      !past.some(({ at, facts }, index) => {
        const until = past[index + 1]?.at ?? now;
        const { overdueBeforeMs = usualOverdueBeforeMs } = watch;
        const firstAt = Date.parse(event.data.expiresAt!) - overdueBeforeMs + 1;
        const isEnd = facts.expiresAt === Date.parse(event.data.expiresAt!);
        return isEnd && isOverdueAt(facts, Math.min(Math.max(at, firstAt), until), watch);
      })
    );
  });
  return [
    ...(isRising ? [] : [`overdue again: ${ends}`]),
    ...untrue.map(({ data, timestamp }) => `not overdue at ${timestamp}: ${data.expiresAt}`),
  ];
}

function falseProblems(events: readonly FollowEvent[], before: Before): string[] {
  const isSame = (one: readonly Problem[], other: readonly Problem[]) =>
    [...one].sort().join() === [...other].sort().join();
  return events.flatMap((event) => {
    const past = before(event);
    if (event.type === 'transfer.problem') {
      const { problems = [] } = event.data;
      const isTrue = problems.length > 0 && past.some(({ facts }) => isSame(facts.problems, problems));
      return isTrue ? [] : [`never in trouble by ${problems}`];
    }
    if (event.type !== 'transfer.problem_resolved') return [];
    const troubled = past.findIndex(({ facts }) => facts.problems.length > 0);
    const isResolved =
      troubled >= 0 && past.slice(troubled).some(({ facts }) => isActive(facts.state) && facts.problems.length === 0);
    return isResolved ? [] : ['never resolved while active'];
  });
}

/** Complaints about news that must have been told by the end. */
function lost(
  { life, silentUntil, endsAt }: Judged,
  moments: readonly (Moment & { readonly facts: LiveFacts })[],
  events: readonly FollowEvent[],
  watch: FollowingWatch,
): string[] {
  const now = moments.at(-1)?.facts;
  if (!now || !isActive(now.state)) return [];
  const early = moments.filter(({ at }) => silentUntil !== undefined && at <= silentUntil).map(({ facts }) => facts);
  const complaints: string[] = [];
  if (follows(watch, 'downloads') && life.isClear) {
    const silent = new Set(early.flatMap(fetchersIn));
    const due = fetchersIn(now).filter((person) => !silent.has(person)).length;
    const told = events.filter(({ type }) => type === 'transfer.downloaded').length;
    if (told < due) complaints.push(`told ${told} of ${due} who have fetched`);
    const isDue = watch.direction === 'sent' && isFetchedByAll(now) && !early.some(isFetchedByAll);
    const isTold = events.some(({ type }) => type === 'transfer.downloaded_by_all');
    if (isDue && !isTold) complaints.push('not told that all have fetched');
  }
  if (follows(watch, 'overdue') && isOverdueAt(now, endsAt, watch)) {
    const told = events
      .filter(({ type }) => type === 'transfer.overdue')
      .map(({ data }) => Date.parse(data.expiresAt!));
    const silent = early.map(({ expiresAt }) => expiresAt ?? 0);
    if (Math.max(0, ...told, ...silent) < now.expiresAt!) complaints.push('not told that it is overdue');
  }
  if (follows(watch, 'problems')) {
    const last = events.findLast(({ type }) => type.startsWith('transfer.problem'));
    const isSilent = early.some(({ problems }) => problems.length > 0);
    if (now.problems.length > 0 && last?.type !== 'transfer.problem' && !(isSilent && !last)) {
      complaints.push(`not told of ${now.problems}`);
    }
    if (now.problems.length === 0 && last?.type === 'transfer.problem') complaints.push('not told that all is well');
  }
  return complaints;
}

const toMinute = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}:00.000Z`;
