import { type Digest, type DigestPeriod, digestOf, type ToldEvent } from '#functions/notices/digest.ts';
import { type Addressee, type Message, messageOf } from '#functions/notices/message.ts';

export const at = '2026-11-25T10:05:59.120Z';
export const anna = { mailbox: 'anna@example.com', direction: 'sent' } as const;
export const bob = { mailbox: 'bob.baumeister@tochter.example.com', direction: 'received' } as const;

const period = { id: 'dig_1', since: '2026-11-25T06:30:00.000Z', until: '2026-11-26T06:30:00.000Z' };

export const eventOf = (type: string, data: object, number = 1): ToldEvent =>
  ({ id: `evt_${type}_${String(number).padStart(5, '0')}`, type, timestamp: at, data }) as unknown as ToldEvent;

/** An event about a transfer of a watch. */
export const transferOf = (type: string, data: object = {}, number = 1): ToldEvent =>
  eventOf(
    type,
    {
      trackingId: `20261125-065711-T${String(number).padStart(5, '0')}`,
      ...anna,
      state: type === 'transfer.failed' ? 'FAILED' : 'ACTIVE',
      previousState: 'ACTIVE',
      sequence: 2,
      ...data,
    },
    number,
  );

export const digestFor = (events: readonly ToldEvent[], more: Partial<DigestPeriod> = {}): Digest =>
  digestOf(events, { ...period, ...more }).digest;

export const english: Addressee = { name: 'operations', language: 'en', timeZone: 'Europe/Berlin' };
export const german: Addressee = { ...english, name: 'betrieb', language: 'de' };

export const messageFor = (events: readonly ToldEvent[], addressee = english, more?: Partial<DigestPeriod>): Message =>
  messageOf(digestFor(events, more), addressee);

const expiry = (number: number) =>
  transferOf(
    'transfer.deleted_by_expiration',
    { ...(number % 3 ? anna : bob), state: 'DELETED_BY_EXPIRATION' },
    number,
  );

const failing = {
  cause: 'unreachable',
  message:
    'the server cannot be reached (ECONNREFUSED); check server.url, DNS and the network between here and the server',
  failingSince: '2026-11-25T09:00:00.000Z',
};
const endpoint = {
  endpoint: 'crm',
  cause: 'timeout',
  message: 'it does not answer within 15 s; it should answer first and work later',
  failingSince: '2026-11-25T09:00:00.000Z',
};
const incident = { ...failing, watches: 12, mailboxes: 9, examples: [anna.mailbox, bob.mailbox, 'carl@example.com'] };

/** An event of each type for operators. */
export const operatorEvents: Readonly<Record<string, ToldEvent>> = {
  'watch.failing': eventOf('watch.failing', { ...anna, ...failing }),
  'watch.recovered': eventOf('watch.recovered', { ...anna, ...failing }),
  'watch.many_failing': eventOf('watch.many_failing', incident),
  'watch.many_recovered': eventOf('watch.many_recovered', incident),
  'watch.verification_expiring': eventOf('watch.verification_expiring', {
    ...anna,
    message: 'the verification of this mailbox ends soon',
    validUntil: '2026-12-02T10:00:00.000Z',
  }),
  'endpoint.failing': eventOf('endpoint.failing', endpoint),
  'endpoint.failing, to be disabled': eventOf('endpoint.failing', {
    ...endpoint,
    disableAt: '2026-11-30T09:00:00.000Z',
  }),
  'endpoint.disabled': eventOf('endpoint.disabled', { ...endpoint, cause: 'gone', message: 'it answers 410 Gone' }),
  'endpoint.recovered': eventOf('endpoint.recovered', endpoint),
  'notifier.test': eventOf('notifier.test', { endpoint: 'crm', message: 'This is a test: the endpoint works.' }),
};

/** A day of two mailboxes with something of everything. */
export const richDay: readonly ToldEvent[] = [
  transferOf('transfer.failed', { previousState: 'PROCESSING' }, 1),
  transferOf('transfer.deleted_by_security', { ...bob, state: 'DELETED_BY_SECURITY' }, 2),
  transferOf('transfer.overdue', { recipients: 3, downloadedBy: 2, expiresAt: '2026-11-27T04:00:00.000Z' }, 3),
  transferOf('transfer.problem', { problems: ['recipient_not_notified', 'files_removed'] }, 4),
  transferOf(
    'transfer.downloaded',
    { recipient: 2, recipients: 3, downloadedBy: 2, method: 'viewed', downloadedAt: '2026-11-25T10:03:00.000Z' },
    5,
  ),
  transferOf('transfer.downloaded_by_all', { recipients: 2, downloadedBy: 2 }, 6),
  transferOf('transfer.state_changed', { ...bob, state: 'On hold: virus check' }, 7),
  transferOf('transfer.unlisted', bob, 8),
  transferOf('transfer.active', { ...bob, previousState: null }, 9),
  operatorEvents['watch.failing']!,
  operatorEvents['endpoint.disabled']!,
  ...Array.from({ length: 12 }, (_, number) => expiry(number + 10)),
];

/** The counts of the day before {@link richDay}. */
export const dayBefore = digestOf(
  [
    transferOf('transfer.failed', {}, 1),
    transferOf('transfer.failed', {}, 2),
    ...Array.from({ length: 1200 }, (_, number) => expiry(number)),
    ...Array.from({ length: 5 }, (_, number) => transferOf('transfer.deleted_by_admin', bob, number)),
  ],
  period,
).counts;

export const manyExpiries: readonly ToldEvent[] = Array.from({ length: 10_000 }, (_, number) => expiry(number));
