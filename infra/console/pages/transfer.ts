import { path } from '#infra/cli/api/client.ts';
import { addressOf, badge, commandLine, foreign, shellWord, table, time } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { refusedInput } from '#infra/console/html/problem-page.ts';
import { timelineTable } from './timeline-view.ts';
import { stateBadge, transfersPage } from './transfers.ts';
import { type Explanation, subscriberList } from './verdict-view.ts';

export const transferPages: readonly PageRoute[] = [
  { path: '/transfers', show: transfersPage },
  { path: '/transfer', show: transferPage },
];

/** Fields of the address that narrow the explanation down. */
const narrowing = ['subscriber', 'mailbox', 'direction'] as const;

/** The life of one transfer, and a verdict for each event and subscriber. */
async function transferPage(request: PageRequest): Promise<View> {
  const { api, words, url } = request;
  const { say } = words;
  const id = url.searchParams.get('id')?.trim() ?? '';
  if (id === '') return transfersPage(request);
  const asks = Object.fromEntries(narrowing.map((name) => [name, url.searchParams.get(name) || undefined]));
  const query = { ...asks, all: 'true' };
  const asked = await api.get<Explanation>(path`/transfers/${id}/explanation`, query).then(
    (told) => ({ told }),
    (error) => ({ refusal: refusedInput(request, error) }),
  );
  if ('refusal' in asked) return transfersPage(request, asked.refusal);
  const { told } = asked;
  const { finding, seen, timeline, hasMore } = told;
  const isKnown = finding !== 'unknown' && finding !== 'not_watched' && finding !== 'not_listed_yet';
  const main = html`<section id="transfer"><h1 class="id">${foreign(id)}</h1>
<p>${badge(isKnown ? 'calm' : 'warn', say(`finding-of.${finding}`))} ${say(`finding-of.why.${finding}`)}</p>
${lookedWords(request, told)}
${seen.length > 0 && seenTable(request, told)}
${narrowed(request, id)}</section>
<section id="subscribers"><h2>${say('explain.subscribers')}</h2>${subscriberList(request, told)}</section>
${timeline.length > 0 && html`<section id="timeline"><h2>${say('explain.timeline')}</h2>${timelineTable(request, told)}</section>`}
<section id="same">${hasMore && html`<p>${say('explain.more')}</p>`}<p>${say('change.command')}</p><p>${commandLine(request, `explain ${shellWord(id)}`)}</p></section>`;
  // A transfer may be seen by the next poll, so the page goes on looking.
  return { title: id, section: 'transfers', main, isLive: true, status: isKnown ? 200 : 404 };
}

/** Watches in which a transfer was looked up without success, and those that could not tell. */
function lookedWords({ words: { say } }: PageRequest, { looked }: Explanation): Html | undefined {
  if (!looked) return undefined;
  const { watches: count, failing, disabled, unfinished, isMore } = looked;
  return html`<p>${say('explain.looked', { count, failing, disabled, unfinished })} ${isMore && say('explain.looked-more')}</p>`;
}

type Seen = Explanation['seen'][number];

function seenTable(request: PageRequest, { seen }: Explanation): Html {
  const { words } = request;
  const { say } = words;
  const columns = [
    { heading: say('transfers.mailbox'), cell: ({ mailbox }: Seen) => foreign(mailbox) },
    { heading: say('transfers.direction'), cell: ({ direction }: Seen) => say(`direction.${direction}`) },
    { heading: say('transfers.state'), cell: ({ state }: Seen) => stateBadge(request, state) },
    { heading: say('transfers.state-since'), cell: ({ since }: Seen) => time(words, since) },
    { heading: say('transfers.first-seen'), cell: ({ firstSeenAt }: Seen) => time(words, firstSeenAt) },
    { heading: say('transfers.listed'), cell: ({ isListed }: Seen) => say(isListed ? 'yes' : 'no') },
  ];
  return table(say('explain.seen', { count: seen.length }), columns, seen);
}

/** Says which subscriber or watch the page is about, with a link to all. */
function narrowed({ words: { say }, url }: PageRequest, id: string): Html | undefined {
  const by = narrowing.map((name) => url.searchParams.get(name)).filter(Boolean) as string[];
  if (by.length === 0) return undefined;
  return html`<p>${say('explain.only', { by: by.join(', ') })} <a href="${addressOf('/transfer', { id })}">${say('explain.all')}</a></p>`;
}
