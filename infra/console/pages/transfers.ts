import { eventTypeOf } from '#functions/events/transfer-event.ts';
import type { Words as NoticeWords } from '#functions/notices/words/words.ts';
import { knownStates } from '#functions/transfers/transfer.ts';
import { path } from '#infra/cli/api/client.ts';
import type { Page, TransferResource, WatchResource } from '#infra/cli/api/resources.ts';
import { addressOf, badge, commandLine, foreign, pager, shellWord, table, time } from '#infra/console/html/elements.ts';
import { choice, dayField, searchForm, textField } from '#infra/console/html/forms.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageRequest, View } from '#infra/console/html/page.ts';
import { refusedInput } from '#infra/console/html/problem-page.ts';
import { transferLink } from './event-table.ts';

/** Items of a page. */
const perPage = '50';

/** Requests for one page of a search, most of whose transfers may be too old. */
const mostRequests = 10;

const directions = ['sent', 'received'] as const;

/**
 * The way to a transfer: by its id, or by its mailbox and what is known of it.
 *
 * @param refusal of the id that was typed
 */
export async function transfersPage(request: PageRequest, refusal?: Html): Promise<View> {
  const { words, url } = request;
  const { say } = words;
  const mailbox = url.searchParams.get('mailbox')?.trim() ?? '';
  const title = say('section.transfers');
  const listed = () => (mailbox === '' ? watchList(request) : transferList(request, mailbox));
  const found = refusal
    ? { refusal }
    : await listed().then(
        (list) => ({ list }),
        (error) => ({ refusal: refusedInput(request, error) }),
      );
  const id = url.searchParams.get('id') ?? undefined;
  const main = html`<h1>${title}</h1>
${'refusal' in found && found.refusal}
${searchForm(say('transfers.by-id'), '/transfer', say('transfers.explain'), [
  textField({ name: 'id', label: say('transfers.id'), value: id, isRequired: true }),
])}
${filterForm(request, mailbox)}
${'list' in found && found.list}`;
  return { title, section: 'transfers', main, status: 'list' in found ? 200 : 400 };
}

function filterForm({ words: { say }, notices, url }: PageRequest, mailbox: string): Html {
  const of = (name: string) => url.searchParams.get(name) ?? undefined;
  const states = knownStates.map((state) => [state, stateWords(notices, state)] as const);
  return searchForm(say('transfers.by-mailbox'), '/transfers', say('transfers.list'), [
    textField({ name: 'mailbox', label: say('transfers.mailbox'), value: mailbox, isRequired: true }),
    choice(
      { name: 'direction', label: say('transfers.direction'), value: of('direction') },
      directions.map((one) => [one, say(`direction.${one}`)]),
    ),
    choice({ name: 'state', label: say('transfers.state'), value: of('state') }, [
      ['', say('transfers.any')],
      ...states,
    ]),
    dayField({ name: 'since', label: say('transfers.since'), value: of('since') }),
  ]);
}

/** A state as people read it; one that is not documented keeps its spelling. */
export function stateWords(notices: NoticeWords, state: string): string {
  const phrase = `is.${eventTypeOf(state)}`;
  return knownStates.some((known) => known === state) && notices.has(phrase) ? notices.say(phrase) : state;
}

export const stateBadge = ({ notices }: PageRequest, state: string): Html =>
  badge(/^(FAILED|DELETED_BY_SECURITY)$/.test(state) ? 'bad' : 'calm', stateWords(notices, state));

async function transferList(request: PageRequest, mailbox: string): Promise<Html> {
  const { words, url } = request;
  const { say } = words;
  const direction = directions.find((one) => one === url.searchParams.get('direction')) ?? 'sent';
  const since = url.searchParams.get('since') || undefined;
  const from = since && `${since}T00:00:00Z`;
  const { items, next } = await search(request, path`/watches/${direction}/${mailbox}/transfers`, from);
  const columns = [
    { heading: say('transfers.id'), cell: ({ trackingId }: TransferResource) => transferLink(trackingId) },
    { heading: say('transfers.state'), cell: ({ state }: TransferResource) => stateBadge(request, state) },
    { heading: say('transfers.state-since'), cell: (transfer: TransferResource) => time(words, transfer.since) },
    { heading: say('transfers.downloads'), cell: (transfer: TransferResource) => downloads(request, transfer) },
    { heading: say('transfers.first-seen'), cell: ({ firstSeenAt }: TransferResource) => time(words, firstSeenAt) },
    { heading: say('transfers.listed'), cell: ({ isListed }: TransferResource) => say(isListed ? 'yes' : 'no') },
  ];
  const name = say(`transfers.of.${direction}`, { mailbox });
  return html`<h2>${name}</h2>
${items.length > 0 ? table(say('transfers.count', { count: items.length }), columns, items) : html`<p>${say(next === undefined ? 'transfers.none' : 'transfers.none-here')}</p>`}
${pager(request, next)}
<p>${commandLine(request, `transfer list --mailbox ${shellWord(mailbox)} --direction ${direction}`)}</p>`;
}

/** Recipients who have downloaded, where the watch follows that. */
const downloads = ({ words: { say } }: PageRequest, { downloadedBy, recipients }: TransferResource): Part =>
  recipients !== undefined && say('transfers.downloads.of', { count: downloadedBy ?? 0, of: recipients });

/** A page of transfers whose state is not older than `from`, an ISO 8601 time. It may be short and have a next one. */
async function search({ api, url }: PageRequest, address: string, from: string | undefined) {
  const state = url.searchParams.get('state') || undefined;
  const items: TransferResource[] = [];
  let cursor = url.searchParams.get('cursor') ?? undefined;
  for (let requests = 0; requests < mostRequests; requests += 1) {
    const page: Page<TransferResource> = await api.get(address, { state, from, cursor, limit: perPage });
    items.push(...page.items);
    cursor = page.next;
    if (cursor === undefined || items.length > 0) break;
  }
  return { items: items.toSorted((a, b) => (a.since < b.since ? 1 : -1)), next: cursor };
}

/** The watches, each with a link to its transfers. */
async function watchList(request: PageRequest): Promise<Html> {
  const { api, words, url } = request;
  const { say } = words;
  const cursor = url.searchParams.get('cursor') ?? undefined;
  const { items, next } = await api.get<Page<WatchResource>>('/watches', { cursor, limit: perPage });
  if (items.length === 0 && next === undefined)
    return html`<p>${say('finding.unwatched')}</p><p>${commandLine(request, 'watch add MAILBOX')}</p>`;
  const count = ({ count: transfers }: WatchResource): Part => transfers ?? say('transfers.not-listed');
  const columns = [
    { heading: say('transfers.mailbox'), cell: (watch: WatchResource) => watchLink(watch) },
    { heading: say('transfers.direction'), cell: ({ direction }: WatchResource) => say(`direction.${direction}`) },
    { heading: say('section.transfers'), cell: count },
  ];
  return html`<h2>${say('transfers.watches')}</h2>${table(say('transfers.watches.count', { count: items.length }), columns, items)}${pager(request, next)}`;
}

const watchLink = ({ mailbox, direction }: WatchResource): Html =>
  html`<a href="${addressOf('/transfers', { mailbox, direction })}">${foreign(mailbox)}</a>`;
