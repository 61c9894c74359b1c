import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  type IncidentEvent,
  incidentEvent,
  transferEvent,
  type WatchProblem,
} from '#functions/events/transfer-event.ts';
import { failedPoll } from '#functions/poll/poll-result.ts';
import type { DeliveryFacts } from '#functions/webhooks/deliveries/settled.ts';
import { type Output, personReporter } from '#infra/local/console/console.ts';

const unverified: WatchProblem = { cause: 'not_verified', message: 'the mailbox is not verified' };
const refused: WatchProblem = { cause: 'unreachable', message: 'the server cannot be reached' };
const silent: WatchProblem = { cause: 'timeout', message: 'no answer' };

/** Reads what a person sees, without the time. */
function reporting(columns?: number) {
  const stream = Object.assign(new PassThrough(), { columns });
  const output = { stream, write: (lines: string) => stream.write(lines) } as unknown as Output;
  const reporter = personReporter(output, () => new Date(0));
  const polled = (mailbox: string, problem?: WatchProblem) => {
    const failed = failedPoll(problem ?? unverified, { read: 0, write: 0 });
    const poll = problem ? failed : { ...failed, outcome: 'unchanged' as const, problem: undefined };
    reporter.poll({ ...poll, watch: { mailbox, direction: 'sent' }, durationMs: 1, sinceCompleteMs: 0 });
  };
  const read = () => {
    const text = stripVTControlCharacters(String(stream.read() ?? ''));
    return text.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(10).replace(/ +/, ' ')]));
  };
  const lines = () => stripVTControlCharacters(String(stream.read())).split('\n');
  return { reporter, polled, read, lines };
}

const mailboxes = Array.from({ length: 500 }, (_, index) => `m${index}@example.com`);

describe('personReporter', () => {
  it('prints one line for a problem that 500 watches share, and one for its end', () => {
    const { polled, read } = reporting();
    for (const mailbox of mailboxes) polled(mailbox, unverified);
    for (const mailbox of mailboxes) polled(mailbox, unverified);
    expect(read()).toEqual(['problem sent by m0@example.com: the mailbox is not verified']);
    for (const mailbox of mailboxes) polled(mailbox);
    expect(read()).toEqual(['well 500 watches: polls succeed again']);
  });

  it('prints one line for an outage whose problem changes, and another for another cause', () => {
    const { polled, read } = reporting();
    for (const problem of [refused, silent, refused]) for (const mailbox of mailboxes) polled(mailbox, problem);
    polled('m0@example.com', unverified);
    expect(read()).toEqual([
      'problem sent by m0@example.com: the server cannot be reached',
      'problem sent by m0@example.com: the mailbox is not verified',
    ]);
  });

  it('says once that the server does not give what a watch follows', () => {
    const { reporter, read } = reporting();
    const watch = { mailbox: 'm0@example.com', direction: 'sent' } as const;
    const failed = failedPoll(unverified, { read: 0, write: 0 });
    const unchanged = {
      ...failed,
      outcome: 'unchanged' as const,
      problem: undefined,
      durationMs: 1,
      sinceCompleteMs: 0,
    };
    reporter.poll({ ...unchanged, watch, lacksFacts: true });
    reporter.poll({ ...unchanged, watch: { ...watch, lacksFacts: true }, lacksFacts: true });
    expect(read()).toEqual([expect.stringMatching(/^problem sent by m0@example.com: the server does not give/)]);
  });

  it('names a single failing watch when its problem begins and ends', () => {
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

  it('prints an event about many watches with their number and the examples', () => {
    const { reporter, read } = reporting();
    const data = { ...unverified, watches: 500, mailboxes: 500, examples: mailboxes.slice(0, 3), failingSince: '' };
    const event: IncidentEvent = incidentEvent('https://x.example', 'watch.many_failing', data, '');
    reporter.announcement({ kind: 'event', id: event.id, event });
    expect(read()).toEqual([
      'event watch.many_failing  500 watches, for example of m0@example.com, m1@example.com, m2@example.com',
    ]);
  });

  it('prints a fact that a watch follows in words, and a change of state with both states', () => {
    const { reporter, read } = reporting();
    const watch = { mailbox: 'm0@example.com', direction: 'sent' } as const;
    const transfer = { trackingId: 't-1', state: 'ACTIVE', previousState: 'PROCESSING' };
    const fact = { news: 'transfer.downloaded', recipient: 1, recipients: 3, downloadedBy: 2 } as const;
    for (const change of [
      { ...transfer, sequence: 1 },
      { ...transfer, previousState: 'ACTIVE', sequence: 2, ...fact },
    ]) {
      const event = transferEvent('https://x.example', watch, change, '2026-11-24T14:05:59.120Z');
      reporter.announcement({ kind: 'event', id: event.id, event });
    }
    expect(read()).toEqual([
      'event transfer.active  t-1  PROCESSING → ACTIVE  #1  sent by m0@example.com',
      'event transfer.downloaded  t-1  2 of 3 recipients have downloaded  #2  sent by m0@example.com',
    ]);
  });

  it('prints a message to a reader as a mail, with its sections apart and no line wider than the terminal', () => {
    const text = `${'2 transfers failed '.repeat(5)}today\n\nEvents\n  failed  t-1\n      ${'x'.repeat(70)} ${'y'.repeat(22)}\n`;
    const { reporter, lines } = reporting(100);
    reporter.announcement({ kind: 'notice', id: 'dig_1', reader: 'team', text });
    expect(lines()).toEqual([
      expect.stringMatching(/ {2}notice {4}to team$/),
      '',
      `  ${'2 transfers failed '.repeat(5).trim()}`,
      '    today',
      '',
      '  Events',
      '    failed  t-1',
      `        ${'x'.repeat(70)}`,
      `          ${'y'.repeat(22)}`,
      '',
      '',
    ]);
  });

  it.each([
    ['a mail that SNS took', {}, 'delivered, attempt 1, 7 ms'],
    ['a mail that a mail server took', { answer: 250 }, 'delivered, attempt 1, 7 ms, SMTP 250'],
  ])('tells of %s what is known', (_, answer, words) => {
    const { reporter, read } = reporting();
    const facts = { event: 'dig_1', endpoint: 'team', attempt: 1, durationMs: 7, outcome: 'delivered', ...answer };
    reporter.delivery({ ...facts, status: 'DELIVERED', failure: undefined, code: undefined } as DeliveryFacts);
    expect(read()).toEqual([`delivery team  dig_1  ${words}`]);
  });

  it('prints messages about the notifier as such', () => {
    const { reporter, read } = reporting();
    reporter.warning('operator: POST /endpoints, answered 400');
    expect(read()).toEqual(['notifier operator: POST /endpoints, answered 400']);
  });
});
