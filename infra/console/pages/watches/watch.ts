import { path } from '#infra/cli/api/client.ts';
import type { WatchResource } from '#infra/cli/api/resources.ts';
import { outcomeLine } from '#infra/console/changes/outcome.ts';
import { badge, changeLink, commandLine, facts, foreign, shellWord, time } from '#infra/console/html/elements.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageRequest, View } from '#infra/console/html/page.ts';
import { verificationAddress, verificationTone } from './verification-words.ts';
import {
  followText,
  intervalText,
  type NamedWatch,
  nextPollAt,
  requestsOf,
  transfersText,
  watchAddress,
  watchBadge,
  watchCommand,
  watchName,
} from './watch-words.ts';

/** The watch that an address names; it may not exist. */
export function watchIn({ searchParams }: URL): NamedWatch {
  const direction = searchParams.get('direction') === 'received' ? 'received' : 'sent';
  return { mailbox: searchParams.get('mailbox')?.trim() ?? '', direction };
}

/** @throws ApiError for an unknown watch */
export const readWatch = ({ api }: PageRequest, { mailbox, direction }: NamedWatch): Promise<WatchResource> =>
  api.get<WatchResource>(path`/watches/${direction}/${mailbox || ' '}`);

/** The state of one watch, why it fails and what to do about it, and its changes. */
export async function watchPage(request: PageRequest): Promise<View> {
  const { words, url } = request;
  const { say } = words;
  const watch = await readWatch(request, watchIn(url));
  const { mailbox, direction, isDisabled } = watch;
  const transfers = `/transfers?${new URLSearchParams({ mailbox, direction })}`;
  const main = html`<section id="watch">${outcomeLine(request)}<h1>${watchName(request, watch)} ${watchBadge(request, watch)}</h1>
${problemCard(request, watch)}</section>
<section id="changes" aria-label="${say('changes')}"><p class="buttons">${changeLink(request, watchAddress(watch, '/poll'), say('watch.poll'), watchCommand('poll', watch))}
${
  isDisabled
    ? changeLink(request, watchAddress(watch, '/resume'), say('watch.resume'), watchCommand('resume', watch))
    : changeLink(request, watchAddress(watch, '/pause'), say('watch.pause'), watchCommand('pause', watch))
}
<a class="button" href="${verificationAddress(mailbox)}">${say('verification')}</a></p></section>
<section id="facts">${watchFacts(request, watch)}
<p><a href="${transfers}">${say('watch.transfers')}</a></p>
<p>${commandLine(request, watchCommand('show', watch))}</p></section>`;
  return { title: watchName(request, watch), section: 'watches', main, isLive: true };
}

/** Why polls fail, in the words of the API, which say what to do. */
function problemCard(request: PageRequest, { health, lacksFacts, mailbox, isDisabled }: WatchResource): Part {
  const { words, notices } = request;
  const { say } = words;
  if (isDisabled) return html`<p>${say('watch.is-paused')}</p>`;
  const lacks = lacksFacts && html`<p>${badge('warn', say('tone.warn'))} ${say('watch.lacks')}</p>`;
  if (!health) return lacks;
  const { problem, failingSince, failures, incompleteSince } = health;
  const phrase = `cause.watch.${problem.cause}`;
  const known = notices.has(phrase) && notices.say(phrase);
  const verify = /^(token_invalid|not_verified|verification_ended|verification_refused)$/.test(problem.cause);
  return html`<div class="problem">
<p>${say('watch.fails', { count: failures, since: words.time(failingSince) })}</p>
${known !== false && html`<p>${known}</p>`}
<p class="said" lang="en">${foreign(problem.message)}</p>
${incompleteSince !== undefined && html`<p>${say('watch.incomplete', { since: words.time(incompleteSince) })}</p>`}
${
  verify &&
  html`<p><a href="${verificationAddress(mailbox)}">${say('verification.do')}</a></p>
<p>${commandLine(request, `watch verify ${shellWord(mailbox)}`)}</p>`
}
</div>${lacks}`;
}

function watchFacts(request: PageRequest, watch: WatchResource): Html {
  const { words, now } = request;
  const { say } = words;
  const at = (iso: string | undefined) => iso !== undefined && time(words, iso);
  const next = nextPollAt(watch, now().getTime());
  const requests = requestsOf(watch);
  return facts([
    [say('watch.polled'), intervalText(request, watch)],
    [say('watch.next'), next === undefined ? say('watch.next.paused') : at(new Date(next).toISOString())],
    [say('watch.requests'), requests === undefined ? undefined : say('watch.requests.count', { count: requests })],
    [say('section.transfers'), transfersText(request, watch)],
    [say('watch.since'), watch.baselineAt === undefined ? say('watch.since.not-yet') : at(watch.baselineAt)],
    [say('watch.follows'), followText(request, watch) ?? say('watch.follows.nothing')],
    [say('verification'), verificationText(request, watch)],
    [say('declared'), say(watch.isDeclared ? 'declared.yes' : 'declared.no')],
  ]);
}

function verificationText(request: PageRequest, watch: WatchResource): Html {
  const { words } = request;
  const { say } = words;
  const { verification } = watch;
  const tone = verificationTone(request, verification);
  if (!verification) return badge(tone, say('verification.none'));
  const { method, validUntil } = verification;
  const end = validUntil === undefined ? say('watch.verified.open') : words.time(validUntil);
  return html`${badge(tone, say(`verification.${tone}`))} ${say(`verification.by.${method}`)}, ${say('verification.until', { time: end })}`;
}
