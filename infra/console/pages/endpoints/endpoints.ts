import { nextDigestAt } from '#functions/notices/timetable.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { usualReader } from '#functions/webhooks/endpoints/reader.ts';
import type { EndpointResource } from '#infra/cli/api/resources.ts';
import { changeLink, commandLine, foreign, pager, table, time } from '#infra/console/html/elements.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { somePage } from '#infra/console/pages/some-page.ts';
import { endpointAddress, endpointBadge, failuresText } from './endpoint-words.ts';
import { readerWhen } from './reader-words.ts';

/** Lists of those that get events: systems, and people. */
export const endpointListPages: readonly PageRoute[] = [
  { path: '/webhooks', show: (request) => listPage(request, 'webhooks') },
  { path: '/notices', show: (request) => listPage(request, 'notices') },
];

export async function listPage(request: PageRequest, section: 'webhooks' | 'notices'): Promise<View> {
  const { api, words, url } = request;
  const { say } = words;
  const isWanted = ({ format }: EndpointResource) => isForPeople(format) === (section === 'notices');
  const cursor = url.searchParams.get('cursor') ?? undefined;
  const { items, next } = await somePage<EndpointResource>(api, '/endpoints', cursor, isWanted);
  const title = say(`section.${section}`);
  const none =
    next !== undefined ? 'list.none-here' : cursor === undefined ? (`list.none.${section}` as const) : 'list.no-more';
  const columns = section === 'webhooks' ? webhookColumns(request) : readerColumns(request);
  const main = html`<section id="about"><h1>${title}</h1>${
    section === 'notices'
      ? html`<p>${say('notices.about')}</p>`
      : html`<p class="buttons">${changeLink(request, '/endpoint/add', say('endpoint.add'), 'endpoint add NAME --address URL')}</p>`
  }</section>
<section id="list">${items.length > 0 ? table(say(`list.count.${section}`, { count: items.length }), columns, items) : html`<p>${say(none)}</p>`}
${pager(request, next)}</section>
<section id="same"><p>${commandLine(request, 'endpoint list')}</p></section>`;
  return { title, section, main, isLive: true };
}

const link = ({ name }: EndpointResource): Html => html`<a href="${endpointAddress(name)}">${name}</a>`;

const webhookColumns = (request: PageRequest) => {
  const { say } = request.words;
  return [
    { heading: say('endpoint.name'), cell: link },
    { heading: say('watch.state'), cell: (endpoint: EndpointResource) => endpointBadge(request, endpoint) },
    { heading: say('endpoint.problem'), cell: (endpoint: EndpointResource) => failuresText(request, endpoint) },
    { heading: say('endpoint.url'), cell: ({ url }: EndpointResource) => foreign(short(url)) },
    { heading: say('endpoint.format'), cell: ({ format }: EndpointResource) => format },
    { heading: say('endpoint.types'), cell: ({ types }: EndpointResource) => short(types.join(', ')) },
  ];
};

const readerColumns = (request: PageRequest) => {
  const { say } = request.words;
  return [
    { heading: say('endpoint.name'), cell: link },
    { heading: say('watch.state'), cell: (endpoint: EndpointResource) => endpointBadge(request, endpoint) },
    { heading: say('endpoint.problem'), cell: (endpoint: EndpointResource) => failuresText(request, endpoint) },
    { heading: say('reader.channel'), cell: ({ format }: EndpointResource) => format },
    { heading: say('reader.when'), cell: (endpoint: EndpointResource) => whenText(request, endpoint) },
    { heading: say('reader.next'), cell: (endpoint: EndpointResource) => nextText(request, endpoint) },
  ];
};

/** A long text is whole on the page of its endpoint. */
const short = (text: string): string => (text.length > 120 ? `${text.slice(0, 119)}…` : text);

/** When a reader gets messages, as the configuration says it. */
export function whenText({ words }: PageRequest, { reader = usualReader }: EndpointResource): Html {
  const { when, timeZone } = reader;
  return html`${readerWhen(words, when)} <small>(${timeZone})</small>`;
}

/** When the next digest is due; messages at once have none, and a paused reader gets none. */
export function nextText(request: PageRequest, { reader = usualReader, status }: EndpointResource): Part {
  const { words, now } = request;
  if (status !== 'active') return words.say('reader.next.held');
  const at = now().getTime();
  const next = nextDigestAt(reader, at);
  if (reader.when === 'at once' && next === at) return words.say('reader.next.event');
  return time(words, new Date(next).toISOString());
}
