import type { ToldEvent } from '#functions/notices/digest.ts';
import { textOf } from '#functions/notices/text.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { path, type Query } from '#infra/cli/api/client.ts';
import type { EndpointResource, Page } from '#infra/cli/api/resources.ts';
import { noticePreview } from '#infra/cli/commands/notice-preview.ts';
import { ApiError } from '#infra/cli/terminal/cli-error.ts';
import { commandLine, facts, time } from '#infra/console/html/elements.ts';
import { choice } from '#infra/console/html/forms.ts';
import { type Html, html, joined } from '#infra/console/html/html.ts';
import type { DocumentRoute, PageApi, PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { htmlMail } from '#infra/local/mail/html-mail.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import { endpointAddress } from './endpoint-words.ts';
import { listPage, nextText, whenText } from './endpoints.ts';

/** Pages of a hundred events that are read for each of the two periods. */
const mostPages = 10;

/** Periods to choose from. */
const periods = ['1h', '12h', '24h', '7d', '30d'] as const;

export const previewPages: readonly PageRoute[] = [{ path: '/notice', show: previewPage }];

/** The mail itself, which a frame of the page shows. */
export const previewDocuments: readonly DocumentRoute[] = [
  {
    path: '/notice/mail',
    async make(request) {
      const { message } = await previewOf(request, await readReader(request));
      return htmlMail(message);
    },
  },
];

const readerIn = ({ searchParams }: URL): string => searchParams.get('reader') ?? '';

const periodIn = ({ searchParams }: URL) => periods.find((one) => one === searchParams.get('period'));

/** @throws ApiError for an unknown name, and for a webhook of a system */
async function readReader({ api, url }: PageRequest): Promise<EndpointResource> {
  const name = readerIn(url);
  const endpoint = await api.get<EndpointResource>(path`/endpoints/${name}`);
  if (isForPeople(endpoint.format)) return endpoint;
  throw new ApiError(404, `${name} is a webhook for a system, no reader`);
}

function previewOf({ api, now, url }: PageRequest, endpoint: EndpointResource) {
  const period = periodIn(url);
  const read = (query: Query) => readEvents(api, query);
  return noticePreview(endpoint, { read, period: period && millisecondsOf(period), now: now() });
}

async function readEvents(api: PageApi, query: Query) {
  const events: ToldEvent[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages && (page === 0 || cursor !== undefined); page += 1) {
    const found: Page<ToldEvent> = await api.get('/events', { ...query, limit: '100', cursor });
    events.push(...found.items);
    cursor = found.next;
  }
  return { events, isCut: cursor !== undefined };
}

/** The message that a reader would get now, as text or as the mail itself. Nothing is sent. */
async function previewPage(request: PageRequest): Promise<View> {
  const { words, url } = request;
  const { say } = words;
  if (readerIn(url) === '') return listPage(request, 'notices');
  const endpoint = await readReader(request);
  const { name, format } = endpoint;
  const { digest, message, body, isCut } = await previewOf(request, endpoint);
  const period = periodIn(url);
  const isMail = format === 'email' && url.searchParams.get('as') === 'html';
  const query = new URLSearchParams({ reader: name, ...(period && { period }) });
  const title = say('preview.of', { name });
  const main = html`<h1>${title}</h1>
<p>${say('preview.about', { count: digest.events, since: words.time(digest.since) })} ${isCut && say('preview.cut')}</p>
${facts([
  [say('reader.when'), whenText(request, endpoint)],
  [say('reader.next'), nextText(request, endpoint)],
  [say('preview.until'), time(words, digest.until)],
])}
<form class="search" method="get" action="/notice"><input type="hidden" name="reader" value="${name}">
${choice({ name: 'period', label: say('preview.period'), value: period }, [
  ['', say('preview.usual')],
  ...periods.map((one) => [one, one] as const),
])}
${isMail && html`<input type="hidden" name="as" value="html">`}<div><button type="submit">${say('watches.show')}</button></div></form>
${format === 'email' && html`<p>${isMail ? html`<a href="/notice?${query.toString()}">${say('preview.text')}</a>` : html`<a href="/notice?${query.toString()}&amp;as=html">${say('preview.html')}</a>`}</p>`}
<section class="card" lang="${message.language}" aria-label="${say('preview.message')}">
${format === 'email' && html`<p><strong>${message.subject}</strong></p>`}
${isMail ? html`<iframe sandbox title="${say('preview.message')}" src="/notice/mail?${query.toString()}"></iframe>` : html`<pre>${linesOf(textOf(message))}</pre>`}
${typeof body !== 'string' && html`<details><summary>${say('preview.sent')}</summary><pre>${linesOf(JSON.stringify(body, undefined, 2))}</pre></details>`}</section>
<p><a href="${endpointAddress(name)}">${name}</a></p>
<p>${commandLine(request, `notice preview --reader ${name}${period === undefined ? '' : ` --period ${period}`}`)}</p>`;
  return { title, section: 'notices', main, hasFrame: isMail };
}

/** A text in its lines. */
const linesOf = (text: string): Html =>
  html`${joined(
    text.split('\n').map((line) => html`${line}`),
    html`\n`,
  )}`;
