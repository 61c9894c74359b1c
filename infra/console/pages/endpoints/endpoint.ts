import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { usualReader } from '#functions/webhooks/endpoints/reader.ts';
import type { AttemptResource, DeliveryResource, EndpointResource, Page } from '#infra/cli/api/resources.ts';
import { lastAttemptTo } from '#infra/cli/commands/endpoint/last-attempt.ts';
import { outcomeLine } from '#infra/console/changes/outcome.ts';
import { commandLine, facts, foreign } from '#infra/console/html/elements.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageApi, PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { attemptText } from '#infra/console/pages/attempt-text.ts';
import { attemptRemedy } from '#infra/terminal/attempt-words.ts';
import { durationText } from '#infra/terminal/durations.ts';
import { endpointCauseWords } from '#infra/terminal/endpoint-cause.ts';
import { changeLinks } from './change-links.ts';
import { deliveryTable } from './deliveries.ts';
import { endpointBadge, failuresText, readEndpoint, sectionOf } from './endpoint-words.ts';
import { nextText, whenText } from './endpoints.ts';
import { languageName, readerQuiet } from './reader-words.ts';
import { successChart, successOf } from './success.ts';

/** Deliveries on the page of an endpoint. */
const newest = '20';

/** Deliveries of a status that are counted. */
const mostCounted = 100;

export const endpointPages: readonly PageRoute[] = [{ path: '/endpoint', show: endpointPage }];

/** A webhook or a reader: whether it works, what waits for it, and what it was sent. */
async function endpointPage(request: PageRequest): Promise<View> {
  const { api, words, now } = request;
  const { say } = words;
  const endpoint = await readEndpoint(request);
  const { name, failures } = endpoint;
  const [last, waiting, held, success, deliveries] = await Promise.all([
    failures && lastAttemptTo(api, endpoint),
    countOf(api, name, 'PENDING'),
    countOf(api, name, 'HELD'),
    successOf(api, name, now().getTime()),
    api.get<Page<DeliveryResource>>('/deliveries', { endpoint: name, limit: newest }),
  ]);
  const preview = `/notice?${new URLSearchParams({ reader: name })}`;
  const main = html`<section id="endpoint">${outcomeLine(request)}<h1>${name} ${endpointBadge(request, endpoint)}</h1>
${problemCard(request, endpoint, last)}</section>
<section id="changes" aria-label="${say('changes')}">${changeLinks(request, endpoint)}
${isForPeople(endpoint.format) && html`<p><a class="button" href="${preview}">${say('preview')}</a></p>`}</section>
<section id="numbers">${facts([
    [say('number.waiting'), counted(request, waiting)],
    [say('number.held'), counted(request, held)],
    [say('endpoint.in-flight'), say('endpoint.in-flight.of', { count: endpoint.inFlight, most: endpoint.maxInFlight })],
  ])}</section>
<section id="success"><h2>${say('success')}</h2>${successChart(request, success)}</section>
<section id="deliveries"><h2>${say('deliveries')}</h2>${deliveryTable(request, deliveries.items, endpoint)}
<p><a href="/deliveries?endpoint=${encodeURIComponent(name)}">${say('deliveries.all')}</a></p></section>
<section id="facts"><h2>${say('endpoint.settings')}</h2>${settings(request, endpoint)}
<p>${commandLine(request, `endpoint show ${name}`)}</p></section>`;
  return { title: name, section: sectionOf(endpoint), main, isLive: true };
}

interface Count {
  readonly count: number;
  readonly more: boolean;
}

/** Counts the deliveries of a status, up to a hundred, as far as one request searches for them. */
async function countOf(api: PageApi, endpoint: string, status: string): Promise<Count> {
  const page = await api.get<Page<DeliveryResource>>('/deliveries', { endpoint, status, limit: String(mostCounted) });
  return { count: page.items.length, more: page.next !== undefined };
}

function counted({ words: { say } }: PageRequest, { count, more }: Count): string {
  if (!more) return say('number.counted', { count });
  return say(count < mostCounted ? 'number.counted.newest' : 'number.counted.more', { count });
}

/** Why it gets nothing, or fails, and what to do about it. */
function problemCard(request: PageRequest, endpoint: EndpointResource, last: AttemptResource | undefined): Part {
  const { words, notices } = request;
  const { say } = words;
  const { status, disabledBecause, health, circuitBreaker } = endpoint;
  if (status !== 'active')
    return html`<div class="problem"><p>${say(`endpoint.is-${status}`)}</p>${disabledBecause !== undefined && html`<p>${say('endpoint.because')} ${foreign(disabledBecause)}</p>`}</div>`;
  const failing = failuresText(request, endpoint);
  if (failing === undefined) return undefined;
  const phrase = `cause.endpoint.${health?.cause}`;
  // Only other languages than English have words for causes.
  const causeText =
    health &&
    (notices.has(phrase)
      ? html`<p>${notices.say(phrase)}</p>`
      : html`<p class="said" lang="en">${foreign(endpointCauseWords(health.cause))}</p>`);
  const remedy = last && attemptRemedy(last);
  return html`<div class="problem"><p>${failing}</p>
${causeText}
${last && html`<p>${say('endpoint.last')} ${attemptText(request, last)}</p>`}
${last?.response && html`<pre>${foreign(last.response)}</pre>`}
${last && (remedy === undefined ? html`<p>${say('endpoint.answered')}</p>` : html`<p class="said" lang="en">${remedy}</p>`)}
${circuitBreaker && html`<p>${say(`endpoint.breaker.${circuitBreaker.state}`, { time: words.time(circuitBreaker.openUntil) })}</p>`}
</div>`;
}

function settings(request: PageRequest, endpoint: EndpointResource): Html {
  const { words } = request;
  const { say } = words;
  const { format, reader = usualReader, headerNames, mailboxes, directions, isDeclared } = endpoint;
  const isRead = isForPeople(format);
  const all = (texts: readonly string[] | undefined) => texts && foreign(shortList(texts));
  return facts(
    [
      [say('reader.when'), isRead && whenText(request, endpoint)],
      [say('reader.next'), isRead && nextText(request, endpoint)],
      [say('reader.language'), isRead && languageName(words, reader.language)],
      [say('reader.urgent'), isRead && reader.urgent.join(', ')],
      [say('reader.quiet'), isRead && reader.quiet.length > 0 && readerQuiet(words, reader.quiet)],
      [say('endpoint.url'), foreign(endpoint.url)],
      [say('endpoint.format'), format],
      [say('endpoint.types'), endpoint.types.join(', ')],
      [say('endpoint.mailboxes'), all(mailboxes) ?? say('endpoint.any')],
      [
        say('endpoint.directions'),
        directions?.map((one) => say(`direction.${one as 'sent'}`)).join(', ') ?? say('endpoint.any'),
      ],
      [say('endpoint.headers'), headerNames.join(', ')],
      [say('endpoint.retries'), endpoint.retryDelaysMs.map(durationText).join(', ')],
      [say('endpoint.public-key'), endpoint.publicKey],
      [say('declared'), say(isDeclared ? 'declared.yes' : 'declared.no')],
      [say('endpoint.added'), words.time(endpoint.createdAt)],
    ].map(([name, value]) => [name as string, value || undefined] as const),
  );
}

/** Mailboxes of a filter on the page; there may be 1,000. */
const mostMailboxes = 20;

const shortList = (texts: readonly string[]): string =>
  [...texts.slice(0, mostMailboxes), ...(texts.length > mostMailboxes ? [`… (${texts.length})`] : [])].join(', ');
