import type { EventResource, Page } from '#infra/cli/api/resources.ts';
import type { PageApi } from '#infra/console/html/page.ts';

const hourMs = 3_600_000;
const hours = 24;

/** Pages of a hundred events that are read at most. */
const mostPages = 10;

/** Milliseconds for which many events are counted: they need many reads. Few are counted anew for each page. */
const keptForMs = ({ next }: Page<EventResource>) => (next === undefined ? undefined : 60_000);

export interface HourlyEvents {
  /** Hours as ISO 8601 times of their beginnings, the oldest first; undefined before `countedFrom`. */
  readonly hours: readonly { readonly from: string; readonly events: number | undefined }[];
  readonly total: number;
  /** Set when there were more events than are read: those before this time are not counted. */
  readonly countedFrom?: string | undefined;
}

/** Counts the events of each of the last 24 hours, this one included. @param now Unix milliseconds */
export async function hourlyEvents(api: PageApi, now: number): Promise<HourlyEvents> {
  const first = Math.floor(now / hourMs) * hourMs - (hours - 1) * hourMs;
  const from = new Date(first).toISOString();
  const times: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages && (page === 0 || cursor !== undefined); page += 1) {
    const found: Page<EventResource> = await api.get('/events', { from, limit: '100', cursor }, keptForMs);
    times.push(...found.items.map(({ timestamp }) => timestamp));
    cursor = found.next;
  }
  const countedFrom = cursor === undefined ? undefined : times.at(-1);
  const counts = Map.groupBy(times, (time) => Math.floor((Date.parse(time) - first) / hourMs));
  const list = Array.from({ length: hours }, (_, hour) => {
    const start = first + hour * hourMs;
    const isCounted = countedFrom === undefined || Date.parse(countedFrom) < start + hourMs;
    return { from: new Date(start).toISOString(), events: isCounted ? (counts.get(hour)?.length ?? 0) : undefined };
  });
  return { hours: list, total: times.length, countedFrom };
}
