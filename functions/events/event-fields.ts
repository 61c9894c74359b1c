import { type EventType, entryOf } from './catalogue.ts';

/** Fields of `data` by what an event is about. */
const fields = {
  transfer: 'trackingId mailbox direction state previousState sequence',
  watch: 'mailbox direction cause message failingSince',
  manyWatches: 'cause message watches mailboxes examples failingSince',
  verification: 'mailbox direction message validUntil',
  endpoint: 'endpoint cause message failingSince',
  test: 'endpoint message',
};

const furtherFields: Partial<Record<EventType, string>> = {
  'transfer.downloaded': ' recipient recipients downloadedBy method downloadedAt?',
  'transfer.downloaded_by_all': ' recipients downloadedBy',
  'transfer.overdue': ' recipients downloadedBy expiresAt',
  'transfer.problem': ' problems',
  'endpoint.failing': ' disableAt?',
};

/** Fields of `data` by type; `?` ends the name of a field that some of these events lack. */
export const dataFieldsOf = (type: EventType): string[] =>
  `${fields[entryOf(type).about ?? 'test']}${furtherFields[type] ?? ''}`.split(' ');
