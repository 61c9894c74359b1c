import type { DeliveryResource, Page } from '#infra/cli/api/resources.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageApi, PageRequest } from '#infra/console/html/page.ts';

const hourMs = 3_600_000;
const hours = 24;

/** Pages of a hundred deliveries that are read at most. */
const mostPages = 5;

/** Milliseconds for which many deliveries are counted: they need many reads. Few are counted anew for each page. */
const keptForMs = ({ next }: Page<DeliveryResource>) => (next === undefined ? undefined : 60_000);

const results = ['delivered', 'failed', 'open'] as const;

type Counts = Readonly<Record<(typeof results)[number], number>>;

export interface Success {
  /** Hours by their beginnings, ISO 8601, the oldest first; undefined before `countedFrom`. */
  readonly hours: readonly { readonly from: string; readonly counts: Counts | undefined }[];
  readonly totals: Counts;
  /** Set when there were more deliveries than are read: those of earlier events are not counted. */
  readonly countedFrom?: string | undefined;
}

const resultOf = ({ status }: DeliveryResource): keyof Counts =>
  status === 'DELIVERED' || status === 'COLLECTED' ? 'delivered' : status === 'FAILED' ? 'failed' : 'open';

/** Counts the deliveries to an endpoint by the hour of their events, this hour included. @param now Unix milliseconds */
export async function successOf(api: Pick<PageApi, 'get'>, endpoint: string, now: number): Promise<Success> {
  const first = Math.floor(now / hourMs) * hourMs - (hours - 1) * hourMs;
  const from = new Date(first).toISOString();
  const found: DeliveryResource[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages && (page === 0 || cursor !== undefined); page += 1) {
    const query = { endpoint, from, limit: '100', cursor };
    const { items, next }: Page<DeliveryResource> = await api.get('/deliveries', query, keptForMs);
    found.push(...items);
    cursor = next;
  }
  const countedFrom = cursor === undefined ? undefined : (found.at(-1)?.eventAt ?? new Date(now).toISOString());
  const byHour = Map.groupBy(found, ({ eventAt }) => Math.floor((Date.parse(eventAt) - first) / hourMs));
  return {
    hours: Array.from({ length: hours }, (_, hour) => {
      const start = first + hour * hourMs;
      const isCounted = countedFrom === undefined || Date.parse(countedFrom) < start + hourMs;
      return { from: new Date(start).toISOString(), counts: isCounted ? countsOf(byHour.get(hour) ?? []) : undefined };
    }),
    totals: countsOf(found),
    countedFrom,
  };
}

function countsOf(deliveries: readonly DeliveryResource[]): Counts {
  const of = (result: keyof Counts) => deliveries.filter((delivery) => resultOf(delivery) === result).length;
  return { delivered: of('delivered'), failed: of('failed'), open: of('open') };
}

const [width, height, base, room] = [1152, 160, 130, 24];

/** Bars of an hour each, stacked by result; the sentence under them says the sums. */
export function successChart({ words }: PageRequest, { hours: all, totals, countedFrom }: Success): Html {
  const { say, hour } = words;
  const sum = (counts: Counts) => results.reduce((total, result) => total + counts[result], 0);
  const most = Math.max(1, ...all.map(({ counts }) => (counts ? sum(counts) : 0)));
  const step = width / all.length;
  const rect = (kind: string, index: number, from: number, size: number) =>
    html`<rect class="${kind}" x="${Math.round(index * step) + 2}" y="${Math.round(base - from - size)}" width="${Math.round(step) - 4}" height="${Math.round(size)}"/>`;
  const bars = all.map(({ from, counts }, index) => {
    if (!counts)
      return html`<g><title>${say('hours.unknown', { hour: hour(from) })}</title>${rect('unknown', index, 0, base - room)}</g>`;
    let at = 0;
    const parts = results.map((result) => {
      // A small value stays visible.
      const size = counts[result] === 0 ? 0 : Math.max(2, (counts[result] / most) * (base - room));
      at += size;
      return size > 0 && rect(result, index, at - size, size);
    });
    return html`<g><title>${hour(from)}: ${resultWords(words, counts)}</title>${parts}</g>`;
  });
  const labels = all.map(({ from }, index) => {
    const [kind, x] =
      index === 0 ? ['first', 0] : index === all.length - 1 ? ['last', width] : ['', (index + 0.5) * step];
    return index % 8 === 7 || index === 0
      ? html`<text class="${kind}" x="${Math.round(x)}" y="${height - 8}">${hour(from)}</text>`
      : undefined;
  });
  const told = resultWords(words, totals);
  const summary =
    countedFrom === undefined
      ? say('success.total', { told })
      : say('success.cut', { told, from: words.time(countedFrom) });
  return html`<figure><svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${summary}">
<line x1="0" y1="${base}" x2="${width}" y2="${base}"/>
<text class="first" x="0" y="${room - 6}">${most}</text>
${bars}${labels}</svg><figcaption>${summary}</figcaption></figure>`;
}

/** @example '98 delivered, 2 failed, 1 open' */
function resultWords({ say, list }: PageRequest['words'], counts: Counts): string {
  return list(results.map((result) => say(`success.${result}`, { count: counts[result] })));
}
