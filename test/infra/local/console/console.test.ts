import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { type IncidentEvent, incidentEvent, type WatchProblem } from '#functions/events/transfer-event.ts';
import { failedPoll } from '#functions/poll/poll-result.ts';
import { type Output, personReporter } from '#infra/local/console/console.ts';

const unverified: WatchProblem = { cause: 'not_verified', message: 'the mailbox is not verified' };
const refused: WatchProblem = { cause: 'unreachable', message: 'the server cannot be reached' };
const silent: WatchProblem = { cause: 'timeout', message: 'no answer' };

/** What a person reads, without the time. */
function reporting() {
  const stream = new PassThrough();
  const reporter = personReporter(stream as unknown as Output, () => new Date(0));
  const polled = (mailbox: string, problem?: WatchProblem) => {
    const failed = failedPoll(problem ?? unverified, { read: 0, write: 0 });
    const poll = problem ? failed : { ...failed, outcome: 'unchanged' as const, problem: undefined };
    reporter.poll({ ...poll, watch: { mailbox, direction: 'sent' }, durationMs: 1, sinceCompleteMs: 0 });
  };
  const read = () => {
    const text = stripVTControlCharacters(String(stream.read() ?? ''));
    return text.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(10).replace(/ +/, ' ')]));
  };
  return { reporter, polled, read };
}

const mailboxes = Array.from({ length: 500 }, (_, index) => `m${index}@example.com`);

test('a problem that 500 watches share is one line, and so is its end', () => {
  const { polled, read } = reporting();
  for (const mailbox of mailboxes) polled(mailbox, unverified);
  for (const mailbox of mailboxes) polled(mailbox, unverified);
  expect(read()).toEqual(['problem sent by m0@example.com: the mailbox is not verified']);
  for (const mailbox of mailboxes) polled(mailbox);
  expect(read()).toEqual(['well 500 watches: polls succeed again']);
});

test('an outage is one line, however its face changes, and another cause is another line', () => {
  const { polled, read } = reporting();
  for (const problem of [refused, silent, refused]) for (const mailbox of mailboxes) polled(mailbox, problem);
  polled('m0@example.com', unverified);
  expect(read()).toEqual([
    'problem sent by m0@example.com: the server cannot be reached',
    'problem sent by m0@example.com: the mailbox is not verified',
  ]);
});

test('a watch that is failing alone is named when that begins and ends', () => {
  const { polled, read } = reporting();
  polled('m0@example.com', refused);
  polled('m0@example.com', unverified);
  polled('m0@example.com');
  expect(read()).toEqual([
    'problem sent by m0@example.com: the server cannot be reached',
    'problem sent by m0@example.com: the mailbox is not verified',
    'well sent by m0@example.com: polls succeed again',
  ]);
});

test('an event about many watches is one line with the number and the examples', () => {
  const { reporter, read } = reporting();
  const data = { ...unverified, watches: 500, mailboxes: 500, examples: mailboxes.slice(0, 3), failingSince: '' };
  const event: IncidentEvent = incidentEvent('https://x.example', 'watch.many_failing', data, '');
  reporter.announcement({ kind: 'event', id: event.id, event });
  expect(read()).toEqual([
    'event watch.many_failing  500 watches, for example of m0@example.com, m1@example.com, m2@example.com',
  ]);
});

test('what is said of the notifier itself is not called a poll', () => {
  const { reporter, read } = reporting();
  reporter.warning('operator: POST /endpoints, answered 400');
  expect(read()).toEqual(['notifier operator: POST /endpoints, answered 400']);
});
