import type { WatchResource } from '#infra/cli/api/resources.ts';
import { changeLink, foreign, pager, table, time } from '#infra/console/html/elements.ts';
import { choice, searchForm, textField } from '#infra/console/html/forms.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { refusedInput } from '#infra/console/html/problem-page.ts';
import { somePage, wholePage } from '#infra/console/pages/some-page.ts';
import { verificationPages } from './verification.ts';
import { watchIn, watchPage } from './watch.ts';
import {
  causeText,
  intervalText,
  nextPollAt,
  transfersText,
  watchAddress,
  watchBadge,
  watchState,
} from './watch-words.ts';

export const watchesPages: readonly PageRoute[] = [
  { path: '/watches', show: watchesPage },
  // The form that finds a watch leads to the list while it is empty.
  { path: '/watch', show: foundPage },
  ...verificationPages,
];

/** The page of a watch, or the form that finds one, with the reason why what was typed cannot be one. */
function foundPage(request: PageRequest): Promise<View> {
  if (watchIn(request.url).mailbox === '') return watchesPage(request);
  return watchPage(request).catch((error) => watchesPage(request, refusedInput(request, error)));
}

/** Watches that a request for failing ones reads. */
const searched = 100;

/** All watches, page by page, or those that fail. @param refusal of the mailbox that was typed */
async function watchesPage(request: PageRequest, refusal?: Html): Promise<View> {
  const { api, words, url } = request;
  const { say } = words;
  const isFailing = url.searchParams.get('only') === 'failing';
  const cursor = url.searchParams.get('cursor') ?? undefined;
  const { items, next } = isFailing
    ? await somePage<WatchResource>(api, '/watches', cursor, (watch) => watchState(watch) === 'failing', searched)
    : await wholePage<WatchResource>(api, '/watches', cursor);
  const title = say('section.watches');
  const typed = url.searchParams.get('mailbox') ?? undefined;
  const main = html`<section id="find"><h1>${title}</h1>
${refusal}
<p class="buttons">${changeLink(request, '/watch/add', say('watch.add'), 'watch add MAILBOX')}</p>
${searchForm(say('watches.find'), '/watch', say('watches.show'), [
  textField({ name: 'mailbox', label: say('transfers.mailbox'), value: typed, isRequired: true }),
  choice(
    { name: 'direction', label: say('transfers.direction'), value: url.searchParams.get('direction') ?? undefined },
    (['sent', 'received'] as const).map((one) => [one, say(`direction.${one}`)]),
  ),
])}
<p>${isFailing ? html`<a href="/watches">${say('watches.all')}</a>` : html`<a href="/watches?only=failing">${say('watches.failing')}</a>`}</p></section>
<section id="list">${items.length > 0 ? watchTable(request, items) : html`<p>${noneWords(request, isFailing, next)}</p>`}
${pager(request, next)}</section>`;
  return refusal ? { title, section: 'watches', main, status: 400 } : { title, section: 'watches', main, isLive: true };
}

function noneWords({ words: { say }, url }: PageRequest, isFailing: boolean, next: string | undefined): string {
  if (isFailing) return say(next === undefined ? 'watches.none-failing' : 'watches.none-failing-here');
  return say(url.searchParams.has('cursor') ? 'watches.no-more' : 'finding.unwatched');
}

function watchTable(request: PageRequest, watches: readonly WatchResource[]): Html {
  const { words, now } = request;
  const { say } = words;
  const at = now().getTime();
  const next = (watch: WatchResource): Part => {
    const due = nextPollAt(watch, at);
    return due !== undefined && time(words, new Date(due).toISOString());
  };
  const columns = [
    { heading: say('transfers.mailbox'), cell: (watch: WatchResource) => link(request, watch) },
    { heading: say('watch.state'), cell: (watch: WatchResource) => stateCell(request, watch) },
    { heading: say('watch.polled'), cell: (watch: WatchResource) => intervalText(request, watch) },
    { heading: say('watch.next'), cell: next },
    { heading: say('section.transfers'), cell: (watch: WatchResource) => transfersText(request, watch) },
    { heading: say('watch.verified-until'), cell: (watch: WatchResource) => verifiedUntil(request, watch) },
  ];
  return table(say('watches.count', { count: watches.length }), columns, watches);
}

const link = ({ words: { say } }: PageRequest, watch: WatchResource): Html =>
  html`<small>${say(`direction.${watch.direction}`)}</small> <a href="${watchAddress(watch)}">${foreign(watch.mailbox)}</a>`;

/** A cause is a name of the API, in English. */
const stateCell = (request: PageRequest, watch: WatchResource): Html =>
  html`${watchBadge(request, watch)}${
    watchState(watch) === 'failing' && html` <small lang="en">${causeText(watch.health!.problem.cause)}</small>`
  }`;

function verifiedUntil({ words }: PageRequest, { verification }: WatchResource): Part {
  if (!verification) return undefined;
  const { validUntil } = verification;
  return validUntil === undefined ? words.say('watch.verified.open') : time(words, validUntil);
}
