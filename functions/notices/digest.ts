import { type EventType, entryOf, eventTypes, severities } from '#functions/events/catalogue.ts';
import type { NotifierEvent } from '#functions/events/transfer-event.ts';

/** An event of any type, as a digest lists it. */
export type ToldEvent = NotifierEvent<EventType, Readonly<Record<string, unknown>>>;

/** Number of events of one type in a watch, and that of the digest before if its period had the same length. */
export interface DigestCount {
  readonly type: EventType;
  readonly mailbox?: string | undefined;
  readonly direction?: string | undefined;
  readonly count: number;
  readonly before?: number | undefined;
}

/** The content of one message to one reader, in no language. It is stored as the body of the message's delivery. */
export type Digest = ReturnType<typeof digestOf>['digest'];

/** Events told one by one, so that a message is read in seconds; the others are only counted. */
export const mostTold = 20;

/** Bytes of told events: plan and digest have to fit into rows of 400 KB. */
const mostToldBytes = 40_000;

/** Counts in a message, and those that the next digest is compared with. */
export const mostCounts = 30;
const mostCompared = 100;

export interface DigestPeriod {
  /** `dig_…`, derived from the reader and the number of the digest. */
  readonly id: string;
  /** ISO 8601 times between which the events were collected. */
  readonly since: string;
  readonly until: string;
  /** Counts of the digest before; undefined if they cannot be compared. */
  readonly before?: readonly DigestCount[] | undefined;
}

/** Sums up events of any number, none included. Returns the digest, and the counts for the next one. */
export function digestOf(events: readonly ToldEvent[], { before, ...period }: DigestPeriod) {
  const sorted = events.toSorted(
    (a, b) =>
      urgency(a) - urgency(b) ||
      compared(a.timestamp, b.timestamp) ||
      sequenceOf(a) - sequenceOf(b) ||
      compared(a.id, b.id),
  );
  // The last of several events of one type about a transfer, such as downloads by each recipient, tells all.
  const lines = [...new Map(sorted.map((event) => [newsKeyOf(event), event])).values()];
  const counts = countsOf(lines, before);
  const told = lines.slice(0, mostTold);
  while (Buffer.byteLength(JSON.stringify(told)) > mostToldBytes) told.pop();
  const digest = {
    ...period,
    severity: severities[Math.max(0, ...counts.filter(({ count }) => count > 0).map(severityOf))]!,
    /** Number of events, and of the transfers that they are about. */
    events: lines.length,
    transfers: new Set(lines.flatMap(({ data }) => data.trackingId ?? [])).size,
    /** Number of events by type, the most urgent first. */
    totals: [...Map.groupBy(lines, ({ type }) => type)].map(([type, { length: count }]) => ({ type, count })),
    /** The most urgent first, then by number, and then those that are zero now; at most {@link mostCounts}. */
    counts: counts.slice(0, mostCounts),
    /** Number of counts beyond those. */
    moreCounts: Math.max(0, counts.length - mostCounts),
    /** The most urgent events, at most {@link mostTold}: of several of one type about a transfer, the last. */
    told,
    /** Number of events of which none is told. */
    more: lines.length - told.length,
  };
  return { digest, counts: counts.filter(({ count }) => count > 0).slice(0, mostCompared) };
}

/** Counts by type and watch. Those of the digest before are part of them, also where now there are none. */
function countsOf(events: readonly ToldEvent[], before: readonly DigestCount[] | undefined): DigestCount[] {
  const counts = new Map<string, DigestCount>();
  const add = (counted: DigestCount) => {
    const key = keyOf(counted);
    const known = counts.get(key);
    counts.set(key, known ? { ...known, count: known.count + counted.count } : counted);
  };
  for (const { type, mailbox, direction, count } of before ?? [])
    add({ type, mailbox, direction, count: 0, before: count });
  // The digest before may have left out a count if it had more than can be compared.
  const unknown = before && before.length < mostCompared && { before: 0 };
  for (const { type, data } of events)
    add({ type, mailbox: textIn(data.mailbox), direction: textIn(data.direction), count: 1, ...unknown });
  return [...counts.values()].sort(
    (a, b) =>
      Number(a.count === 0) - Number(b.count === 0) ||
      urgency(a) - urgency(b) ||
      b.count - a.count ||
      compared(keyOf(a), keyOf(b)),
  );
}

/** True for the id of a digest: all other deliveries to a reader are events that wait for one. */
export const isDigestId = (id: string): boolean => id.startsWith('dig_');

/** Types by severity, each in the order of the catalogue; one that another version has stored comes last. */
const urgency = ({ type }: { readonly type: EventType }): number =>
  -severityOf({ type }) * eventTypes.length + (eventTypes.indexOf(type) + 1 || eventTypes.length);

/** The place of a type's severity; another version may have stored a type that is unknown here. */
const severityOf = ({ type }: { readonly type: EventType }): number =>
  severities.indexOf(entryOf(type).severity ?? 'info');

const compared = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

const keyOf = ({ type, mailbox, direction }: Pick<DigestCount, 'type' | 'mailbox' | 'direction'>): string =>
  JSON.stringify([type, mailbox, direction]);

const sequenceOf = ({ data }: ToldEvent): number => numberIn(data.sequence);

/** News of a transfer in a watch have one key; any other event has its own. */
const newsKeyOf = ({ id, type, data }: ToldEvent): string =>
  JSON.stringify(textIn(data.trackingId) === undefined ? [id] : [type, data.trackingId, data.mailbox, data.direction]);

/** A field of an event that may lack it, or have it in another form. */
export const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** A number of an event that may lack it, which then counts as none. */
export const numberIn = (value: unknown): number => (typeof value === 'number' ? value : 0);
