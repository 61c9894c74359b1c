import { expect, it } from 'vitest';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { recordingOf } from '#infra/simulator/lives/recording.ts';

const timestamp = '2026-01-05T08:00:00.000Z';

function told(type: string, data: object = {}): EventResource {
  const usual = { trackingId: 'T1', mailbox: 'alice@example.com', direction: 'sent', state: 'ACTIVE' };
  return { id: `evt_${type}`, type, timestamp, data: { ...usual, ...data } };
}

it('a recording has a transfer of two mailboxes once for each, with a number for each mailbox', () => {
  const events = [
    told('transfer.processing', { state: 'PROCESSING' }),
    told('transfer.processing', { state: 'PROCESSING', mailbox: 'bob@example.com', direction: 'received' }),
  ];
  expect(recordingOf(events)).toMatchObject([
    { is: 'sent', transfer: 1, mailbox: 1, direction: 'sent' },
    { is: 'sent', transfer: 2, mailbox: 2, direction: 'received' },
  ]);
});

it('a recording knows as many recipients as an event names by number or by count', () => {
  expect(recordingOf([told('transfer.downloaded', { recipient: 4 })])[0]).toMatchObject({ recipients: 4 });
  expect(recordingOf([told('transfer.downloaded', { recipients: 5 })])[0]).toMatchObject({ recipients: 5 });
});

it('a recording leaves out events that are not about transfers, and problems that no server has', () => {
  const events = [
    told('watch.failing', { trackingId: 'T2', cause: 'timeout' }),
    told('transfer.problem', { problems: ['files_removed', 'of_a_later_version'] }),
  ];
  expect(recordingOf(events)).toEqual([
    expect.objectContaining({ is: 'sent' }),
    expect.objectContaining({ is: 'state', state: 'ACTIVE' }),
    { at: timestamp, transfer: 1, is: 'problems', problems: ['files_removed'] },
  ]);
});

it('a recording tells when a transfer leaves the log, and when it comes back', () => {
  const events = [told('transfer.active'), told('transfer.unlisted'), told('transfer.listed_again')];
  expect(recordingOf(events).map(({ is }) => is)).toEqual(['sent', 'state', 'unlisted', 'listed']);
});
