import type { EndpointResource, EventResource, Page, StatusResource } from '#infra/cli/api/resources.ts';
import { barChart } from '#infra/console/html/chart.ts';
import { addressOf, badge, commandLine, facts, foreign, time } from '#infra/console/html/elements.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageApi, PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import type { Phrase } from '#infra/console/words/words.ts';
import { eventTable } from './event-table.ts';
import { type HourlyEvents, hourlyEvents } from './hourly-events.ts';
import { type Finding, findingsOf, isFailing } from './overview-verdict.ts';

/** Events at the end of the page. */
const newest = '20';

/** Pages of a hundred endpoints that are searched for failing ones. */
const mostPages = 5;

/** Failing endpoints told one by one. */
const mostTold = 10;

export const overviewPages: readonly PageRoute[] = [{ path: '/', show: overview }];

async function overview(request: PageRequest): Promise<View> {
  const { api, now, words } = request;
  const [status, failing, counted, events] = await Promise.all([
    api.get<StatusResource>('/status'),
    failingEndpoints(api),
    hourlyEvents(api, now().getTime()),
    api.get<Page<EventResource>>('/events', { limit: newest }),
  ]);
  const findings = findingsOf(status, failing.slice(0, mostTold));
  const isBad = findings.some(({ tone }) => tone === 'bad');
  const state = isBad ? 'bad' : findings.length > 0 ? 'warn' : 'good';
  const main = html`<section id="verdict" class="verdict ${state}">
<h1>${words.say(`verdict.${state}`)}</h1>
${findings.length > 0 && html`<ul class="findings">${findings.map((one) => findingItem(request, one))}</ul>`}
</section>
<section id="numbers" aria-label="${words.say('overview.numbers')}">${numbers(request, status)}</section>
<section id="hours"><h2>${words.say('overview.hours')}</h2>${hoursChart(request, counted)}</section>
<section id="events"><h2>${words.say('overview.events')}</h2>
${events.items.length > 0 ? eventTable(request, events.items) : html`<p>${words.say('events.none')}</p>`}
</section>`;
  return { title: words.say('section.overview'), section: 'overview', main, isLive: true };
}

/** Active endpoints whose attempts fail; the number of failing ones of `status` counts those told to operators alone. */
async function failingEndpoints(api: PageApi): Promise<EndpointResource[]> {
  const failing: EndpointResource[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages && (page === 0 || cursor !== undefined); page += 1) {
    const { items, next }: Page<EndpointResource> = await api.get('/endpoints', { limit: '100', cursor });
    failing.push(...items.filter(isFailing));
    cursor = next;
  }
  return failing;
}

function findingItem(request: PageRequest, finding: Finding): Html {
  const { words } = request;
  const { say } = words;
  const item = (says: Part, ...more: Part[]) =>
    html`<li>${badge(finding.tone, say(`tone.${finding.tone}`))} <span>${says}</span>${more}</li>`;
  switch (finding.kind) {
    case 'late':
      return item(
        say('finding.late', { count: finding.watches }),
        link('/doctor', say('section.doctor')),
        command(request, 'doctor'),
      );
    case 'cause': {
      const { cause, watches, since, message } = finding.cause;
      const phrase = `cause.watch.${cause}`;
      // Only other languages than English have words for causes; the message is in English.
      const known = request.notices.has(phrase) && request.notices.say(phrase);
      const says = say('finding.cause', { count: watches, since: words.time(since) });
      const more = html`<p class="said" lang="en">${foreign(message)}</p>`;
      return item(html`${says} ${known}`, link('/watches?only=failing', say('section.watches')), more);
    }
    case 'overdue':
      return item(say('finding.overdue', { age: ageText(request, finding.overdueMs) }), command(request, 'doctor'));
    case 'webhook': {
      const { name, failures, health } = finding.endpoint;
      const since = failures?.since ?? health!.failingSince;
      const says = say('finding.webhook', { count: failures?.count ?? 1, name, since: words.time(since) });
      return item(
        says,
        link(addressOf('/endpoint', { name }), name),
        command(request, `delivery list --endpoint ${name}`),
      );
    }
    case 'disabled':
      return item(
        say('finding.disabled', { count: finding.count }),
        link('/webhooks', say('section.webhooks')),
        command(request, 'endpoint list'),
      );
    case 'paused':
      return item(
        say('finding.paused', { count: finding.count }),
        link('/webhooks', say('section.webhooks')),
        command(request, 'endpoint resume NAME'),
      );
    case 'paused-watches':
      return item(
        say('finding.paused-watches', { count: finding.count }),
        link('/watches', say('section.watches')),
        command(request, 'watch resume MAILBOX'),
      );
    case 'held':
      return item(
        counted(request, heldWords, finding),
        link('/webhooks', say('section.webhooks')),
        command(request, 'endpoint recover NAME'),
      );
    case 'unwatched':
      return item(
        say('finding.unwatched'),
        link('/watches', say('section.watches')),
        command(request, 'watch add MAILBOX'),
      );
    case 'unpolled':
      return item(say('finding.unpolled'));
  }
}

const link = (address: string, label: string): Html => html` <a href="${address}">${label}</a>`;

const command = (request: PageRequest, text: string): Html => html`<p>${commandLine(request, text)}</p>`;

/** A count with a limit in words, as `1000 or more`. @param phrases without and beyond the limit */
const counted = (
  { words: { say } }: PageRequest,
  [exact, atLeast]: readonly [Phrase, Phrase],
  { count, more }: { readonly count: number; readonly more: boolean },
): string => say(more ? atLeast : exact, { count });

const heldWords = ['finding.held', 'finding.held.more'] as const;
const countWords = ['number.counted', 'number.counted.more'] as const;

function numbers(
  request: PageRequest,
  { watches, polls, endpoints, deliveries, version, server }: StatusResource,
): Html {
  const { words, api } = request;
  const { say } = words;
  const { waiting, held, oldestOverdueMs } = deliveries;
  return facts([
    [say('number.poll'), polls.lastAt === undefined ? say('number.none-yet') : time(words, polls.lastAt)],
    [say('number.complete'), completeWords(request, { watches, polls })],
    [say('number.watches'), say('number.watches.of', watches)],
    [say('number.endpoints'), say('number.endpoints.of', endpoints)],
    [
      say('number.waiting'),
      html`${counted(request, countWords, waiting)} <small>${say('number.waiting.digests')}</small>`,
    ],
    [say('number.held'), counted(request, countWords, held)],
    [
      say('number.overdue'),
      oldestOverdueMs > 0 ? say('number.overdue.for', { age: ageText(request, oldestOverdueMs) }) : say('number.none'),
    ],
    [say('number.server'), foreign(server)],
    [say('number.api'), `${api.address} (${version})`],
  ]);
}

/** The number of watches that their last polls have listed completely, and since when one was not. */
function completeWords({ words }: PageRequest, { watches, polls }: Pick<StatusResource, 'watches' | 'polls'>): string {
  const { lastAt, incomplete, incompleteSince } = polls;
  if (lastAt === undefined) return words.say('number.none-yet');
  const of = watches.all - watches.disabled;
  if (incompleteSince === undefined) return words.say('number.complete.all', { count: of });
  return words.say('number.complete.of', { complete: of - incomplete, of, since: words.time(incompleteSince) });
}

/** An age in the largest unit that has one whole. */
function ageText({ words: { say } }: PageRequest, milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return say('age.seconds', { count: Math.floor(milliseconds / 1000) });
  if (minutes < 120) return say('age.minutes', { count: minutes });
  return minutes < 2880
    ? say('age.hours', { count: Math.floor(minutes / 60) })
    : say('age.days', { count: Math.floor(minutes / 1440) });
}

function hoursChart({ words }: PageRequest, { hours, total, countedFrom }: HourlyEvents): Html {
  const { say, hour } = words;
  const bars = hours.map(({ from, events }, index) => ({
    value: events,
    label: index % 8 === 7 || index === 0 ? hour(from) : undefined,
    title:
      events === undefined
        ? say('hours.unknown', { hour: hour(from) })
        : say('hours.bar', { count: events, hour: hour(from) }),
  }));
  const summary =
    countedFrom === undefined
      ? say('hours.total', { count: total })
      : say('hours.cut', { count: total, from: words.time(countedFrom) });
  return html`<figure>${barChart(bars, summary)}<figcaption>${summary}</figcaption></figure>`;
}
