import { countWords, operatorWords, transferWords } from '#functions/notices/event-words.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { addressOf, foreign, table, time } from '#infra/console/html/elements.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { toldEvent } from '#infra/terminal/told-event.ts';

/** Events as people read them, in the words of the messages to readers. */
export function eventTable({ words, notices }: PageRequest, events: readonly EventResource[]): Html {
  const { say } = words;
  const columns = [
    { heading: say('event.at'), cell: ({ timestamp }: EventResource) => time(words, timestamp) },
    { heading: say('event.what'), cell: (event: EventResource) => eventWords(event) },
    { heading: say('event.transfer'), cell: ({ data }: EventResource) => transferLink(data.trackingId) },
    { heading: say('event.mailbox'), cell: ({ data }: EventResource) => text(data.mailbox) },
  ];
  const eventWords = (event: EventResource): Part => {
    const told = toldEvent(event);
    if (!event.type.startsWith('transfer.')) return subjectLink(event, operatorWords(notices, told).headline);
    const { words: what, detail } = transferWords(notices, told);
    return html`${what}${detail && html` <small>${detail}</small>`}`;
  };
  return table(say('events.newest', { count: events.length }), columns, events);
}

/** The page of the webhook, reader or watch that an event is about. */
function subjectLink({ type, data: { endpoint, mailbox, direction } }: EventResource, headline: string): Part {
  if (type === 'endpoint.removed') return headline;
  if (typeof endpoint === 'string')
    return html`<a href="${addressOf('/endpoint', { name: endpoint })}">${headline}</a>`;
  if (typeof mailbox !== 'string' || typeof direction !== 'string') return headline;
  return html`<a href="${addressOf('/watch', { mailbox, direction })}">${headline}</a>`;
}

/** The type of an event in words. @example 'failed' */
export function eventTypeWords({ notices }: PageRequest, type: string): string {
  const phrase = `is.${type}`;
  return notices.has(phrase) ? notices.say(phrase) : countWords(notices, type, 1);
}

export const transferLink = (trackingId: unknown): Part =>
  typeof trackingId === 'string' &&
  html`<a class="id" href="${addressOf('/transfer', { id: trackingId })}">${foreign(trackingId)}</a>`;

const text = (value: unknown): Part => typeof value === 'string' && foreign(value);
