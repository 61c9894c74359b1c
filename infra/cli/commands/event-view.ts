import { neutral } from '#functions/notices/foreign-text.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { type Column, timeText } from '#infra/cli/terminal/output.ts';

/** The transfer or endpoint that an event is about. */
export const subjectOf = ({ data }: EventResource): string | undefined =>
  textOf(data.trackingId ?? data.endpoint, neutral);

/** Data of an event by name. Values from the server are neutralised, so that no terminal makes links of them. */
export const dataFacts = ({ data }: EventResource): (readonly [name: string, value: string])[] =>
  Object.entries(data).map(([name, value]) => [name, foreign.has(name) ? neutral(String(value)) : valueText(value)]);

/** Lists of a digest: events by their ids, counts by all that they say. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return 'id' in value ? String(value.id) : Object.values(value).join(' ');
}

const foreign: ReadonlySet<string> = new Set(['trackingId', 'state', 'previousState']);

const textOf = (value: unknown, as = (text: string) => text): string | undefined =>
  typeof value === 'string' ? as(value) : undefined;

export const eventColumns: readonly Column<EventResource>[] = [
  { heading: 'AT (UTC)', text: ({ timestamp }) => timeText(timestamp) },
  { heading: 'TYPE', text: ({ type }) => type },
  { heading: 'ABOUT', text: subjectOf },
  { heading: 'MAILBOX', text: ({ data }) => textOf(data.mailbox) },
  { heading: 'ID', text: ({ id }) => id },
];
