import { type Column, timeText } from './output.ts';
import type { EventResource } from './resources.ts';

/** The transfer, endpoint or watch that an event is about. */
export const subjectOf = ({ data }: EventResource): string | undefined =>
  textOf(data.trackingId) ?? textOf(data.endpoint);

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What a list of events shows. */
export const eventColumns: readonly Column<EventResource>[] = [
  { heading: 'AT (UTC)', text: ({ timestamp }) => timeText(timestamp) },
  { heading: 'TYPE', text: ({ type }) => type },
  { heading: 'ABOUT', text: subjectOf },
  { heading: 'MAILBOX', text: ({ data }) => textOf(data.mailbox) },
  { heading: 'ID', text: ({ id }) => id },
];
