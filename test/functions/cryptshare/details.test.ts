import { describe, expect, it } from 'vitest';
import { factsReader, fieldsFor } from '#functions/cryptshare/details.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import { parseFields } from '#infra/simulator/protocol/fields.ts';

const now = Date.parse('2026-11-24T00:00:00Z');

const watchOf = (settings: Partial<FollowingWatch> = {}): FollowingWatch => ({
  ...{ mailbox: 'alice@example.com', direction: 'sent', follow: followable, ...settings },
});

const fetched = (downloadDate: unknown, retrievalMethod: unknown = 'DOWNLOADED') => ({
  downloads: [{ downloadDate, retrievalMethod }],
});
const recipient = (id: unknown, ...fileDownloads: unknown[]) => ({ id, fileDownloads, notificationFailed: false });

/** Facts of a transfer as the watch reads them. */
const read = (status: object, transfer: object = { expirationDate: null }, settings?: Partial<FollowingWatch>) =>
  factsReader(watchOf(settings), now)!({ status, transfer });

describe('fieldsFor', () => {
  it('asks for the state alone without a watch that follows something', () => {
    expect(fieldsFor(undefined)).toBe('trackingId,status(state)');
  });

  it.each([
    [['downloads'], 'trackingId,status(state,recipients(id,fileDownloads(downloads(downloadDate,retrievalMethod))))'],
    [
      ['overdue'],
      'trackingId,status(state,recipients(fileDownloads(downloads(downloadDate,retrievalMethod)))),transfer(expirationDate)',
    ],
    [
      ['problems'],
      'trackingId,status(state,recipients(notificationFailed),warnings,emlCreationFailed,sender(notificationFailed),files(removed))',
    ],
  ] as const)('asks for no more than %s need', (follow, fields) => {
    expect(fieldsFor(watchOf({ follow }))).toBe(fields);
  });

  it('asks for the address of a recipient only to find the own one among them', () => {
    expect(fieldsFor(watchOf({ direction: 'received' }))).toContain('recipients(id,mail,');
  });

  it.each(['sent', 'received'] as const)('keeps to the grammar of the server for %s transfers', (direction) => {
    const { trackingId, status, transfer } = parseFields(fieldsFor(watchOf({ direction })));
    expect([trackingId, Object.keys(status!), Object.keys(transfer!)]).toEqual([
      true,
      ['state', 'recipients', 'warnings', 'emlCreationFailed', 'sender', 'files'],
      ['expirationDate'],
    ]);
  });
});

describe('factsReader', () => {
  const sound = { warnings: false, emlCreationFailed: false, files: [], sender: { notificationFailed: false } };

  it('reads nothing for a watch that follows nothing', () => {
    expect(factsReader(watchOf({ follow: [] }), now)).toBeUndefined();
  });

  it('counts recipients that have fetched something, whatever and how often', () => {
    const twice = [fetched('2026-11-23T10:00:00+01:00'), fetched('2026-11-23T10:00:00+01:00')];
    const recipients = [
      recipient('A', ...twice),
      recipient('B', fetched('x', 'VIEWED')),
      recipient('C', { downloads: [] }),
    ];
    expect(read({ ...sound, recipients })).toMatchObject({ downloads: { recipients: 3, downloadedBy: 2 } });
  });

  it.each([
    [
      'the earliest, in whatever zone',
      ['2026-11-23T10:00:00+01:00', '2026-11-23T09:30:00+02:00'],
      '2026-11-23T09:30:00+02:00',
    ],
    ['the earliest without seconds', ['2026-11-24T09:00+02:00', '2026-11-24T10:00+05:00'], '2026-11-24T10:00+05:00'],
    ['the earliest of one zone', ['2026-11-23T10:00:00Z', '2026-11-23T09:59:59Z'], '2026-11-23T09:59:59Z'],
    ['the one with a date', [null, '2026-11-23T10:00:00Z', 'yesterday'], '2026-11-23T10:00:00Z'],
    ['one without a date if there is no other', ['2026-13-45T99:00:00Z', 7], undefined],
    ['one in the future', ['2031-11-23T10:00:00Z'], '2031-11-23T10:00:00Z'],
  ] as const)('takes for the first fetch %s', (_, dates, at) => {
    const facts = read({ ...sound, recipients: [recipient('A', ...dates.map((date) => fetched(date)))] });
    expect(facts?.fetches.get('A')).toEqual({ method: 'downloaded', at });
  });

  it('tells a fetch in the viewer from a download', () => {
    const facts = read({ ...sound, recipients: [recipient('A', fetched('2026-11-23T10:00:00Z', 'VIEWED'))] });
    expect(facts?.fetches.get('A')?.method).toBe('viewed');
  });

  it.each([
    ['no recipients', { recipients: undefined }],
    ['recipients that are no list', { recipients: { to: [] } }],
    ['a recipient without an id', { recipients: [recipient(undefined)] }],
    ['a recipient without fetches', { recipients: [{ id: 'A' }] }],
  ])('has no facts of a transfer with %s', (_, status) => {
    expect(read({ ...sound, ...status }, {}, { follow: ['downloads'] })).toBeUndefined();
  });

  it('has no facts of a transfer without a field for its end, if the watch follows overdue transfers', () => {
    expect(read({ ...sound, recipients: [recipient('A')] }, {})).toBeUndefined();
  });

  it('needs no id to tell that a transfer is overdue', () => {
    const recipients = [recipient(undefined, fetched('2026-11-23T10:00:00Z')), recipient(undefined)];
    const facts = read({ recipients }, { expirationDate: '2026-11-25T00:00:00Z' }, { follow: ['overdue'] });
    expect(facts?.overdue).toMatchObject({ isOverdue: true, recipients: 2, downloadedBy: 1 });
  });

  it.each([0, 1001])('counts none of %s recipients, so that others can be compared', (length) => {
    const recipients = Array.from({ length }, (_, number) => recipient(`${number}`, fetched('2026-11-23T10:00:00Z')));
    const facts = read({ ...sound, recipients }, { expirationDate: '2026-11-24T12:00:00Z' });
    expect(facts).toMatchObject({ downloads: { recipients: 0, downloadedBy: 0 }, overdue: { isOverdue: false } });
  });

  it('has no facts of a transfer without any field about problems', () => {
    expect(read({ recipients: [{ id: 'A' }] }, {}, { follow: ['problems'] })).toBeUndefined();
    expect(read({}, {}, { follow: ['problems'] })).toBeUndefined();
  });

  describe('of a received watch', () => {
    const settings = { direction: 'received', follow: ['downloads'] } as const;
    const of = (mail: unknown, ...files: unknown[]) => ({ ...recipient(`${mail}`, ...files), mail });

    it('sees itself alone, in any spelling', () => {
      const recipients = [of('bob@example.com', fetched('2026-11-23T10:00:00Z')), of('ALICE@example.com')];
      const facts = read({ recipients }, {}, settings);
      expect([...facts!.fetches]).toEqual([['ALICE@example.com', undefined]]);
      expect(facts?.downloads).toEqual({ recipients: 1, downloadedBy: 0 });
    });

    it.each([
      ['none of several recipients is the own one', [of('bob@example.com'), of('carol@example.com')]],
      ['the only recipient has another address', [of('bob@example.com')]],
      ['two recipients are the own one', [of('alice@example.com'), of('alice@example.com')]],
      ['several recipients have no address', [of(undefined), of(undefined)]],
    ])('has no facts when %s', (_, recipients) => {
      expect(read({ recipients }, {}, settings)).toBeUndefined();
    });

    it('takes the only recipient for itself when the server hides the address', () => {
      expect(read({ recipients: [of(undefined)] }, {}, settings)?.downloads).toEqual({
        recipients: 1,
        downloadedBy: 0,
      });
    });
  });

  describe('problems', () => {
    const problems = (status: object) => read({ recipients: [recipient('A')], ...sound, ...status })?.problems;

    it.each([
      ['recipient_not_notified', { recipients: [recipient('A'), { ...recipient('B'), notificationFailed: true }] }],
      ['sender_not_notified', { sender: { notificationFailed: true } }],
      ['files_removed', { files: [{ removed: false }, { removed: true }] }],
      ['message_not_created', { emlCreationFailed: true }],
      ['other', { warnings: true }],
      ['other', { warnings: ['something new'] }],
    ])('have %s', (problem, status) => {
      expect(problems(status)).toEqual([problem]);
    });

    it('name no other problem beside a known one, which explains the warning', () => {
      expect(problems({ emlCreationFailed: true, warnings: true })).toEqual(['message_not_created']);
    });

    it.each([{ warnings: [] }, { warnings: 'no' }, { files: 'none', sender: null }])('are none for %j', (status) => {
      expect(problems(status)).toEqual([]);
    });
  });

  it.each(['2026-11-25', '2026-11-25T12:00:00', 1_790_000_000_000, 'soon', {}])(
    'has no facts of a transfer whose end cannot be read, if the watch follows overdue transfers: %j',
    (expirationDate) => {
      expect(read({ ...sound, recipients: [recipient('A')] }, { expirationDate })).toBeUndefined();
    },
  );

  describe('overdue', () => {
    const overdue = (expirationDate: unknown, recipients = [recipient('A')], overdueBeforeMs?: number) =>
      read({ ...sound, recipients }, { expirationDate }, { overdueBeforeMs })?.overdue?.isOverdue;

    it.each([
      ['2026-11-25T23:59:59Z', true],
      ['2026-11-26T00:00:00Z', false],
      ['2026-11-26T01:59:59+02:00', true],
      ['2026-11-26T01:59:59+0200', true],
      ['2026-11-23T12:00:00Z', true],
      ['1970-01-01T00:00:00Z', false],
      [null, false],
    ])('is, two days before its end and with a recipient left, for the end %s: %s', (end, isOverdue) => {
      expect(overdue(end)).toBe(isOverdue);
    });

    it('is not once every recipient has fetched something', () => {
      expect(overdue('2026-11-24T10:00:00Z', [recipient('A', fetched('2026-11-23T10:00:00Z'))])).toBe(false);
    });

    it('is as early as the watch wants', () => {
      expect(overdue('2026-12-03T00:00:00Z', undefined, 10 * 86_400_000)).toBe(true);
    });
  });
});
