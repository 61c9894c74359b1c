import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factsReader } from '#functions/cryptshare/details.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { type DiffContext, markSeen, type TransferRow } from '#functions/snapshot/diff.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import { assertValidEvent, examples } from './event-schemas.ts';

const dataKey = new DataKey(Buffer.alloc(32, 7).toString('base64'));
const mailbox = 'alice@example.com';

/** A date as servers spell it, or something else. */
const date = fc.oneof(
  fc.constantFrom('2024-05-22T08:59:04+02:00', '2024-05-22T06:59:04Z', '2024-05-22T08:59:04.123+0200'),
  fc.constantFrom('9999-12-31T23:59:59-12:00', '0000-01-01T00:00:00+12:00', '2024-02-31T00:00:00Z', 'soon'),
  fc.constantFrom(null, 1716361144000, undefined),
  fc.date({ noInvalidDate: true }).map((each) => each.toISOString()),
);
const yes = fc.constantFrom(true, false, undefined, null, 'yes');
const download = fc.oneof(
  fc.record({ downloadDate: date, retrievalMethod: fc.constantFrom('DOWNLOADED', 'VIEWED', 'PRINTED', undefined) }),
  fc.constantFrom(null, 1, {}),
);
const recipient = fc.record({
  id: fc.oneof(
    { weight: 9, arbitrary: fc.nat(5).map((number) => `R${number}`) },
    { weight: 1, arbitrary: fc.constantFrom('', 5) },
  ),
  mail: fc.constantFrom(mailbox, 'bob@example.com', 'Alice@Example.com', undefined),
  notificationFailed: yes,
  fileDownloads: fc.array(fc.record({ downloads: fc.array(download, { maxLength: 3 }) }), { maxLength: 2 }),
});

/** A transfer as a server may show it at one moment. */
const transfer = fc.record({
  status: fc.record({
    state: fc.constant('ACTIVE'),
    recipients: fc.array(recipient, { minLength: 1, maxLength: 4 }),
    warnings: fc.constantFrom(true, false, ['virus'], [], undefined),
    emlCreationFailed: yes,
    sender: fc.constantFrom({ notificationFailed: true }, {}, null),
    files: fc.array(fc.record({ removed: yes }), { maxLength: 2 }),
  }),
  transfer: fc.record({ expirationDate: date }),
});
const watch: fc.Arbitrary<FollowingWatch> = fc.record({
  mailbox: fc.constant(mailbox),
  direction: fc.constantFrom('sent', 'received'),
  follow: fc.subarray([...followable], { minLength: 1 }),
  overdueBeforeMs: fc.constantFrom(3_600_000, 2 * 86_400_000, undefined),
});
const moment = fc.date({ min: new Date('2024-05-19'), max: new Date('2024-05-30'), noInvalidDate: true });

/** Events of one transfer that a watch has known, with nothing fetched or wrong, before it sees these. */
function eventsOf(whose: FollowingWatch, seen: readonly { readonly raw: unknown; readonly at: Date }[]) {
  let row: TransferRow | undefined;
  const base = { server: 'https://cryptshare.example.com', watch: whose, source: 'listing', silent: false } as const;
  for (const [rev, { raw, at }] of seen.entries()) {
    const facts = factsReader(whose, at.getTime())?.(raw);
    const context: DiffContext = {
      ...base,
      ...{ rev, observedAt: at.toISOString(), facts: new Map(facts ? [['t-1', facts]] : []) },
      recipientKey: (...text) => dataKey.hashOf(...text),
    };
    row = markSeen(row, 't-1', 'ACTIVE', context)?.after ?? row;
  }
  return (row?.pending ?? []).map((body): TransferEvent => JSON.parse(body));
}

describe('docs/events.md schema, for any facts that a watch follows', () => {
  it('accepts every event', () => {
    const types = new Set<string>();
    const property = fc.property(
      watch,
      fc.array(fc.record({ raw: transfer, at: moment }), { minLength: 1, maxLength: 5 }),
      (whose, seen) => {
        const events = eventsOf(whose, seen);
        for (const event of events) {
          assertValidEvent(event);
          types.add(event.type);
        }
        expect(events.map(({ data }) => data.sequence)).toEqual(events.map((_, index) => index + 1));
      },
    );
    fc.assert(property, { numRuns: 3000 });
    expect([...types].toSorted()).toEqual([
      'transfer.active',
      'transfer.downloaded',
      'transfer.downloaded_by_all',
      'transfer.overdue',
      'transfer.problem',
      'transfer.problem_resolved',
    ]);
  });

  it.each([
    { type: 'transfer.downloaded', change: { recipient: 0 }, fault: 'recipient 0' },
    { type: 'transfer.downloaded', change: { recipient: 'bob@example.com' }, fault: 'an address for a recipient' },
    { type: 'transfer.downloaded', change: { recipients: 0 }, fault: 'no recipients' },
    { type: 'transfer.downloaded', change: { downloadedBy: 0 }, fault: 'a download by no recipient' },
    { type: 'transfer.downloaded', change: { method: 'VIEWED' }, fault: 'a method in another spelling' },
    {
      type: 'transfer.downloaded',
      change: { downloadedAt: '2024-05-27T12:21:09.000Z' },
      fault: 'a download to the second',
    },
    { type: 'transfer.downloaded', change: { downloadedAt: null }, fault: 'a download at null' },
    { type: 'transfer.downloaded', change: { state: 'DELETED_BY_EXPIRATION' }, fault: 'a state that is not active' },
    { type: 'transfer.downloaded', change: { previousState: null }, fault: 'no previous state' },
    { type: 'transfer.downloaded_by_all', change: { downloadedBy: 0 }, fault: 'a download by no recipient' },
    { type: 'transfer.overdue', change: { expiresAt: '2024-06-25' }, fault: 'a day for a time' },
    { type: 'transfer.overdue', change: { downloadedBy: -1 }, fault: 'fewer than no downloads' },
    { type: 'transfer.problem', change: { problems: [] }, fault: 'no problem' },
    { type: 'transfer.problem', change: { problems: ['other', 'other'] }, fault: 'a problem twice' },
    { type: 'transfer.problem', change: { problems: ['quarantined'] }, fault: 'an unknown problem' },
    { type: 'transfer.problem', change: { problems: 'other' }, fault: 'a text for problems' },
  ])('refuses $type with $fault', ({ type, change }) => {
    const { event } = examples.find((example) => example.type === type)!;
    expect(() => assertValidEvent({ ...event, data: { ...event.data, ...change } })).toThrow(
      `event/data/${Object.keys(change)[0]}`,
    );
  });

  it('accepts transfer.downloaded without the time of the download', () => {
    const { event } = examples.find(({ type }) => type === 'transfer.downloaded')!;
    const { downloadedAt, ...data } = (event as TransferEvent).data;
    expect(downloadedAt).toBeDefined();
    assertValidEvent({ ...event, data });
  });
});
