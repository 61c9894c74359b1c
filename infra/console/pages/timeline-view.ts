import { foreign, table, time } from '#infra/console/html/elements.ts';
import { type Html, html, type Part } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { attemptText } from './attempt-text.ts';
import { eventTypeWords } from './event-table.ts';
import { stateBadge } from './transfers.ts';
import type { Explanation } from './verdict-view.ts';

type Happening = Explanation['timeline'][number];

/** Happenings of one page. */
const mostShown = 100;

/** The life of a transfer, the newest last; of a long one, the end. */
export function timelineTable(request: PageRequest, { timeline }: Explanation): Html {
  const { words } = request;
  const { say } = words;
  const types = new Map(timeline.flatMap(({ event, type }) => (event && type ? [[event, type]] : [])));
  const eventOf = ({ event = '' }: Happening): Part => {
    const type = types.get(event);
    if (type !== undefined) return eventTypeWords(request, type);
    return event !== '' && say('explain.a-digest');
  };
  const columns = [
    { heading: say('event.at'), cell: ({ at }: Happening) => time(words, at) },
    { heading: say('timeline.what'), cell: ({ kind }: Happening) => say(`happening.${kind}`) },
    { heading: say('timeline.event'), cell: eventOf },
    { heading: say('timeline.to'), cell: ({ endpoint }: Happening) => endpoint },
    { heading: say('timeline.how'), cell: (happening: Happening) => howOf(request, happening) },
  ];
  const left = timeline.length - mostShown;
  return html`${left > 0 && html`<p>${say('timeline.left', { count: left })}</p>`}
${table(say('timeline.caption'), columns, timeline.slice(-mostShown))}`;
}

function howOf(request: PageRequest, happening: Happening): Part {
  const { say } = request.words;
  const { kind, mailbox = '', direction, state, attempt, durationMs = 0, digest, cause } = happening;
  if (kind === 'seen') return html`${say(`direction.${direction ?? 'sent'}`)} ${foreign(mailbox)}`;
  if (kind === 'attempt')
    return html`${say('timeline.attempt', { count: attempt ?? 1, milliseconds: durationMs })}: ${attemptText(request, happening)}`;
  if (kind === 'event') return state !== undefined && stateBadge(request, state);
  return digest ?? cause;
}
