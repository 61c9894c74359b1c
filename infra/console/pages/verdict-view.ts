import type { Answers } from '#infra/api/answers.ts';
import { addressOf, badge, commandLine, type Tone, time } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { endsInDoubt, lastAttempts, proofWords, verdictCommands } from '#infra/terminal/verdict-words.ts';
import { attemptText } from './attempt-text.ts';
import { eventTypeWords } from './event-table.ts';

export type Explanation = Answers['explainTransfer'];
type Subscriber = Explanation['subscribers'][number];
type Verdict = Subscriber['verdicts'][number];
type Happening = Explanation['timeline'][number];
type LastAttempts = ReturnType<typeof lastAttempts<Happening>>;

/** Verdicts of several subscribers on one page, and of a single one: as many as an explanation has. */
const mostVerdicts = 60;
const mostOfOne = 100;

const tones: { readonly [Name in Verdict['verdict']]?: Tone } = {
  delivered: 'good',
  in_digest: 'good',
  waits_for_retry: 'warn',
  held_paused: 'warn',
  held_disabled: 'warn',
  failed: 'bad',
  rejected: 'bad',
  unknown: 'warn',
};

/** Each subscriber with a verdict for each event, the newest first. Those left out are counted, and have a page each. */
export function subscriberList(request: PageRequest, { subscribers, timeline }: Explanation): Html {
  const { say } = request.words;
  const shared = subscribers.length === 1 ? mostOfOne : Math.max(1, Math.floor(mostVerdicts / subscribers.length));
  const shown = subscribers.slice(0, mostVerdicts).filter(({ verdicts }) => verdicts.length > 0);
  if (shown.length === 0) return html`<p>${say('explain.no-verdicts')}</p>`;
  const lastOf = lastAttempts(timeline);
  return html`${shown.map((subscriber) => subscriberPart(request, subscriber, shared, lastOf))}
${subscribers.length > mostVerdicts && html`<p>${say('explain.more-subscribers', { count: subscribers.length - mostVerdicts })}</p>`}`;
}

function subscriberPart(request: PageRequest, subscriber: Subscriber, most: number, lastOf: LastAttempts): Html {
  const { say } = request.words;
  const { name, status, isReader, verdicts } = subscriber;
  const newest = verdicts.slice(-most).reverse();
  const left = verdicts.length - newest.length;
  const kind = say(isReader === undefined ? 'subscriber' : isReader ? 'subscriber.reader' : 'subscriber.webhook');
  return html`<section class="card" aria-labelledby="of-${name}">
<h3 id="of-${name}">${status === 'removed' ? name : html`<a href="${addressOf('/endpoint', { name })}">${name}</a>`} <small>${kind}</small> ${status !== 'active' && badge('warn', say(`status.${status}`))}</h3>
<ul class="findings">${newest.map((verdict) => verdictItem(request, subscriber, verdict, lastOf(verdict, name)))}</ul>
${left > 0 && html`<p><a href="${subscriberAddress(request.url, name)}">${say('explain.older-events', { count: left })}</a></p>`}
</section>`;
}

function subscriberAddress(url: URL, name: string): string {
  const there = new URL(url);
  there.searchParams.set('subscriber', name);
  return `${there.pathname}${there.search}`;
}

function verdictItem(request: PageRequest, subscriber: Subscriber, verdict: Verdict, last?: Happening): Html {
  const { words } = request;
  const { say } = words;
  const { nextAttemptAt, attempts = 0, digest } = verdict;
  const commands = verdictCommands(subscriber, verdict);
  return html`<li>${badge(tones[verdict.verdict] ?? 'calm', say(`verdict.${verdict.verdict}`))}
<strong>${eventTypeWords(request, verdict.type)}</strong> <small>${time(words, verdict.at)}</small>
${nextAttemptAt !== undefined && html`<span>${say('explain.next', { time: words.time(nextAttemptAt) })}</span>`}
${attempts > 1 && html`<span>${say('explain.attempts', { count: attempts })}</span>`}
${reasonOf(request, verdict)}
${last && endsInDoubt.has(verdict.verdict) && html`<span>(${attemptText(request, last)})</span>`}
<details><summary>${say('explain.why')}</summary>
<p>${say(`verdict.why.${verdict.verdict}`)}</p>
<p>${say('explain.proof')} <code>${proofWords(verdict)}</code></p>
${digest !== undefined && html`<p>${say('explain.digest')} <code>${digest}</code></p>`}
${commands.length > 0 && html`<p>${say('explain.commands')}</p>${commands.map((one) => html`<p>${commandLine(request, one)}</p>`)}`}
</details></li>`;
}

/** Reasons with words of their own; others are said by the verdict, or are codes of a receiver. */
const reasons = ['circuit_breaker', 'earlier_subscriber', 'wanted_now', 'digest_unread', 'too_many_rows'] as const;

/** Reasons that the verdict says already. */
const implied: ReadonlySet<string> = new Set(['paused', 'disabled', 'rejected', 'operator', 'endpoint_removed']);

function reasonOf({ words: { say } }: PageRequest, { reason }: Verdict): Html | undefined {
  if (reason === undefined || implied.has(reason)) return undefined;
  const known = reasons.find((one) => one === reason);
  return html`<span>(${known === undefined ? reason : say(`reason.${known}`)})</span>`;
}
