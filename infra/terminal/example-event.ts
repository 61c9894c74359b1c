import { dataFieldsOf, type EventType, eventTypes } from '#functions/events/catalogue.ts';
import { eventTypeOf } from '#functions/events/transfer-event.ts';
import { knownStates } from '#functions/transfers/transfer.ts';

const mailbox = 'alice@example.com';

/** Example values by the names of fields, with which every type is as `docs/events.md` describes it. */
const values: Readonly<Record<string, unknown>> = {
  trackingId: '20240522-065711-H8UoUSI6',
  mailbox,
  direction: 'sent',
  previousState: 'ACTIVE',
  sequence: 3,
  recipient: 1,
  recipients: 3,
  downloadedBy: 2,
  method: 'downloaded',
  downloadedAt: '2024-05-23T09:12:00.000Z',
  expiresAt: '2024-06-01T00:00:00.000Z',
  problems: ['recipient_not_notified'],
  cause: 'timeout',
  message: 'an example, which nothing has caused',
  failingSince: '2024-05-23T09:00:00.000Z',
  watches: 2,
  mailboxes: 1,
  examples: [mailbox],
  validUntil: '2024-06-02T09:30:00.000Z',
  endpoint: 'crm',
  disableAt: '2024-05-24T09:00:00.000Z',
};

/** State that a transfer has in events of a type; `ACTIVE` where the type tells of something else. */
function stateIn(type: EventType): string {
  const unknown = type === 'transfer.state_changed' ? 'Quarantined' : 'ACTIVE';
  return knownStates.find((state) => eventTypeOf(state) === type) ?? unknown;
}

/** An event of a type with every field that such an event can have. */
export const exampleEvent = (type: EventType) => ({
  id: `evt_${'0'.repeat(24)}${eventTypes.indexOf(type).toString(36)}`,
  type,
  timestamp: '2024-05-23T10:00:00.000Z',
  data: Object.fromEntries(
    dataFieldsOf(type)
      .map((field) => field.replace('?', ''))
      .map((field) => [field, field === 'state' ? stateIn(type) : values[field]]),
  ),
});
