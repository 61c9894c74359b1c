import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Happening, historyOf } from '#infra/simulator/lives/history.ts';
import { HistoryPlayer, problemsOf, watchesOf } from '#infra/simulator/lives/player.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';

let server: CryptshareServer;
beforeEach(async () => {
  server = await startCryptshareServer();
});
afterEach(() => server.close());

const at = '2026-03-02T09:00:00Z';

/** Plays happenings, and returns the transfer that was sent last. */
function played(...happenings: readonly object[]) {
  const history: Happening[] = historyOf(
    happenings.map((one) => JSON.stringify({ at, transfer: 1, ...one })).join('\n'),
  );
  const player = new HistoryPlayer(server, history);
  while (player.nextAt !== undefined) player.play();
  return server.transfers.newest(0, 1)[0]!;
}

const downloadsOf = ({ recipients }: ReturnType<typeof played>) =>
  recipients.map(({ downloads }) => downloads.map(({ file, method }) => [file, method]));

it('a player has the recipient of the history fetch the file of the history, by its method', () => {
  const transfer = played(
    { is: 'sent', recipients: 2, files: 3 },
    { is: 'downloaded', recipient: 2, file: 3, method: 'VIEWED' },
    { is: 'downloaded', recipient: 1 },
  );
  expect(downloadsOf(transfer)).toEqual([[[1, 'DOWNLOADED']], [[3, 'VIEWED']]]);
});

it('a player leaves out what is impossible by then, and goes on', () => {
  const transfer = played(
    { is: 'sent' },
    { is: 'state', state: 'DELETED_BY_EXPIRATION' },
    { is: 'state', state: 'ACTIVE' },
    { is: 'downloaded', recipient: 1 },
    { is: 'sent', transfer: 2 },
    { is: 'state', transfer: 2, state: 'FAILED' },
  );
  expect(transfer.state).toBe('FAILED');
  expect(server.transfers.newest(1, 1)[0]).toMatchObject({ state: 'DELETED_BY_EXPIRATION' });
});

it('a player has a recipient or file beyond those that were sent stand for one of these', () => {
  const transfer = played({ is: 'sent', recipients: 2, files: 2 }, { is: 'downloaded', recipient: 3, file: 9 });
  expect(downloadsOf(transfer)).toEqual([[[2, 'DOWNLOADED']], []]);
});

it('a transfer that a mailbox receives has the mailbox for its first recipient, and as many as the history', () => {
  const { sender, recipients } = played({ is: 'sent', direction: 'received', mailbox: 2, recipients: 3 });
  expect([sender, ...recipients.map(({ mail }) => mail)]).toEqual([
    'partner@example.net',
    'bob@example.com',
    'recipient-2@example.org',
    'recipient-3@example.org',
  ]);
});

it.each([
  ['recipient_not_notified', { recipientsNotNotified: ['b@example.org'] }],
  ['sender_not_notified', { senderNotNotified: true }],
  ['message_not_created', { messageNotCreated: true }],
  ['files_removed', { removedFiles: [1] }],
  ['other', { warnings: ['SIMULATED'] }],
] as const)('the problem %s is on the server what it is in the history, and no other', (problem, expected) => {
  const mails = ['a@example.org', 'b@example.org'];
  expect(problemsOf([problem], mails)).toEqual({ ...problemsOf([], mails), ...expected });
});

it('the watches of a history are each mailbox in each direction, once', () => {
  const sent = (transfer: number, direction: string) => JSON.stringify({ at, transfer, is: 'sent', direction });
  const history = historyOf([sent(1, 'sent'), sent(2, 'received'), sent(3, 'sent')].join('\n'));
  expect(watchesOf(history)).toEqual([
    { mailbox: 'alice@example.com', direction: 'sent' },
    { mailbox: 'alice@example.com', direction: 'received' },
  ]);
});
