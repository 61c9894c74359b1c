import { cut } from '#functions/notices/foreign-text.ts';
import { path } from '#infra/cli/api/client.ts';
import type {
  AttemptResource,
  DeliveryResource,
  EndpointResource,
  EventResource,
  Page,
} from '#infra/cli/api/resources.ts';
import { ApiError } from '#infra/cli/terminal/cli-error.ts';
import { outcomeLine } from '#infra/console/changes/outcome.ts';
import {
  badge,
  changeLink,
  commandLine,
  facts,
  foreign,
  pager,
  shellWord,
  table,
  time,
} from '#infra/console/html/elements.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { attemptText } from '#infra/console/pages/attempt-text.ts';
import { eventTypeWords, transferLink } from '#infra/console/pages/event-table.ts';
import { attemptRemedy } from '#infra/terminal/attempt-words.ts';
import { endpointAddress } from './endpoint-words.ts';

/** Deliveries of a page of the list. */
const perPage = '50';

/** Attempts of a page, and characters of their answers: more would exceed 60 KB. The last answer is whole. */
const mostAttempts = 20;
const longestAnswer = 160;

export const deliveryPages: readonly PageRoute[] = [
  { path: '/deliveries', show: deliveriesPage },
  { path: '/delivery', show: deliveryPage },
];

const tones = {
  PENDING: 'calm',
  COLLECTED: 'good',
  DELIVERED: 'good',
  FAILED: 'bad',
  HELD: 'warn',
  CANCELLED: 'calm',
} as const;

export const deliveryAddress = (
  { event, endpoint }: Pick<DeliveryResource, 'event' | 'endpoint'>,
  change = '',
): string => `/delivery${change}?${new URLSearchParams({ event, endpoint })}`;

/** The delivery that an address names; it may not exist. */
export const deliveryIn = ({ searchParams }: URL) => ({
  event: searchParams.get('event') ?? '',
  endpoint: searchParams.get('endpoint') ?? '',
});

/** @throws ApiError for an unknown delivery */
export const readDelivery = ({ api, url }: PageRequest): Promise<DeliveryResource> => {
  const { event, endpoint } = deliveryIn(url);
  return api.get<DeliveryResource>(path`/deliveries/${event || ' '}/${endpoint || ' '}`);
};

const statusBadge = ({ words: { say } }: PageRequest, { status }: DeliveryResource): Html =>
  badge(tones[status], say(`delivery.${status}`));

/** The deliveries to an endpoint, page by page. */
async function deliveriesPage(request: PageRequest): Promise<View> {
  const { api, words, url } = request;
  const { say } = words;
  const name = url.searchParams.get('endpoint') ?? '';
  const query = { endpoint: name, limit: perPage, cursor: url.searchParams.get('cursor') ?? undefined };
  const [{ items, next }, endpoint] = await Promise.all([
    api.get<Page<DeliveryResource>>('/deliveries', query),
    endpointOf(request, name),
  ]);
  const title = say('deliveries.to', { name });
  const main = html`<h1>${title}</h1>
${deliveryTable(request, items, endpoint)}
${pager(request, next)}
<p><a href="${endpointAddress(name)}">${name}</a></p>
<p>${commandLine(request, `delivery list --endpoint ${shellWord(name)}`)}</p>`;
  return { title, section: 'webhooks', main };
}

/** Deliveries, those of the newest events first. */
export function deliveryTable(
  request: PageRequest,
  deliveries: readonly DeliveryResource[],
  endpoint: EndpointResource | undefined,
): Html {
  const { words } = request;
  const { say } = words;
  if (deliveries.length === 0) return html`<p>${say('deliveries.none')}</p>`;
  const columns = [
    { heading: say('delivery.event-at'), cell: ({ eventAt }: DeliveryResource) => time(words, eventAt) },
    {
      heading: say('event.what'),
      cell: (delivery: DeliveryResource) =>
        html`<a href="${deliveryAddress(delivery)}">${typeText(request, delivery)}</a>`,
    },
    { heading: say('watch.state'), cell: (delivery: DeliveryResource) => statusBadge(request, delivery) },
    { heading: say('delivery.attempts'), cell: ({ attempt }: DeliveryResource) => attempt },
    {
      heading: say('delivery.next'),
      cell: (delivery: DeliveryResource) => nextAttempt(request, delivery, endpoint),
    },
    { heading: say('delivery.reason'), cell: ({ reason, digest }: DeliveryResource) => reasonText(reason) ?? digest },
  ];
  return table(say('deliveries.count', { count: deliveries.length }), columns, deliveries);
}

/** The endpoint of deliveries; undefined once it is removed. */
async function endpointOf({ api }: PageRequest, name: string): Promise<EndpointResource | undefined> {
  try {
    return await api.get<EndpointResource>(path`/endpoints/${name || ' '}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** When a delivery is attempted next; an open circuit breaker lets it wait longer than its own schedule. */
function nextAttempt(
  { words }: PageRequest,
  { nextAttemptAt }: DeliveryResource,
  endpoint: EndpointResource | undefined,
): Part {
  if (nextAttemptAt === undefined) return undefined;
  const { state, openUntil } = endpoint?.circuitBreaker ?? {};
  if (state !== 'open' || openUntil === undefined || openUntil <= nextAttemptAt) return time(words, nextAttemptAt);
  return html`${time(words, openUntil)} <small>${words.say('delivery.next.breaker')}</small>`;
}

/** Reasons are names of the API, in English. */
const reasonText = (reason: string | undefined): Html | undefined =>
  reason === undefined ? undefined : html`<span lang="en">${reason.replaceAll('_', ' ')}</span>`;

const typeText = (request: PageRequest, { type }: DeliveryResource): string =>
  type === 'digest' ? request.words.say('explain.a-digest') : eventTypeWords(request, type);

/** One delivery, and each of its attempts with the answer of the receiver. */
async function deliveryPage(request: PageRequest): Promise<View> {
  const { words } = request;
  const { say } = words;
  const delivery = await readDelivery(request);
  const [about, receiver] = await Promise.all([eventOf(request, delivery), endpointOf(request, delivery.endpoint)]);
  const { event, endpoint, status, attempts = [], reason, digest } = delivery;
  const title = say('delivery.of', { what: typeText(request, delivery), name: endpoint });
  const command = (verb: string) => `delivery ${verb} ${shellWord(event)} ${endpoint}`;
  const last = attempts.at(-1);
  const remedy = status === 'DELIVERED' || !last ? undefined : attemptRemedy(last);
  const main = html`<section id="delivery">${outcomeLine(request)}<h1>${title} ${statusBadge(request, delivery)}</h1>
${facts([
  [say('event.transfer'), transferLink(about?.data.trackingId) || undefined],
  [say('delivery.event'), html`<code>${event}</code>`],
  [say('delivery.event-at'), time(words, delivery.eventAt)],
  [say('delivery.to'), receiver ? html`<a href="${endpointAddress(endpoint)}">${endpoint}</a>` : endpoint],
  [say('delivery.attempts'), delivery.attempt],
  [say('delivery.next'), nextAttempt(request, delivery, receiver)],
  [say('delivery.reason'), reasonText(reason)],
  [say('explain.digest'), digest],
])}
${remedy !== undefined && html`<div class="problem"><p class="said" lang="en">${remedy}</p></div>`}</section>
<section id="changes" aria-label="${say('changes')}"><p class="buttons">${status !== 'PENDING' && changeLink(request, deliveryAddress(delivery, '/resend'), say('delivery.resend'), command('resend'))}
${(status === 'PENDING' || status === 'HELD') && changeLink(request, deliveryAddress(delivery, '/cancel'), say('delivery.cancel'), command('cancel'))}</p></section>
<section id="attempts"><h2>${say('delivery.attempts')}</h2>${attemptTable(request, attempts)}
<p>${commandLine(request, command('show'))}</p></section>`;
  return { title, section: 'webhooks', main, isLive: true };
}

/** The event that a delivery sends; undefined for a digest, and once the event is no longer kept. */
async function eventOf({ api }: PageRequest, { event, type }: DeliveryResource): Promise<EventResource | undefined> {
  if (type === 'digest') return undefined;
  try {
    return await api.get<EventResource>(path`/events/${event}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** The newest attempts first, each with what the receiver answered. */
function attemptTable(request: PageRequest, attempts: readonly AttemptResource[]): Html {
  const { words } = request;
  const { say } = words;
  if (attempts.length === 0) return html`<p>${say('attempts.none')}</p>`;
  const newest = attempts.slice(-mostAttempts).reverse();
  const left = attempts.length - newest.length;
  const answer = (attempt: AttemptResource): Part => {
    const { response } = attempt;
    if (!response) return undefined;
    return html`<code>${foreign(attempt === newest[0] ? response : cut(response, longestAnswer))}</code>`;
  };
  const columns = [
    { heading: say('event.at'), cell: ({ startedAt }: AttemptResource) => time(words, startedAt) },
    { heading: say('attempts.number'), cell: ({ attempt }: AttemptResource) => attempt },
    { heading: say('attempts.end'), cell: (attempt: AttemptResource) => attemptText(request, attempt) },
    { heading: say('attempts.took'), cell: ({ durationMs }: AttemptResource) => `${durationMs} ms` },
    { heading: say('attempts.answer'), cell: answer },
  ];
  return html`${table(say('attempts.count', { count: newest.length }), columns, newest)}
${left > 0 && html`<p>${say('attempts.left', { count: left })}</p>`}`;
}
