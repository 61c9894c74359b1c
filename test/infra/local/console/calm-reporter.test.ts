import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointEvent } from '#functions/events/endpoint-event.ts';
import { type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { failedPoll } from '#functions/poll/poll-result.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { calmReporter } from '#infra/local/console/calm-reporter.ts';
import type { Output } from '#infra/local/console/console.ts';
import { columnsOf } from '#infra/terminal/columns.ts';
import { anyEvents, anyWatch } from '#test/functions/notices/hostile-notices.ts';
import { change, delivered, failed, outcome, retry } from './told-facts.ts';

const endpoint = (name: string, more: object = {}) =>
  ({ name, types: ['transfer.*'], format: 'event', status: 'active', ...more }) as unknown as Endpoint;

/** A reporter at the epoch, and what a person sees of it: in a pipe, or on a terminal with these columns. */
function reporting({ columns, TERM = 'xterm' }: { columns?: number; TERM?: string } = {}) {
  const stream = Object.assign(new PassThrough(), columns === undefined ? {} : { columns, isTTY: true });
  const output = { stream, write: (lines: string) => stream.write(lines) } as unknown as Output;
  let now = 0;
  const reporter = calmReporter(output, () => now, true, { TERM });
  reporter.endpoints([endpoint('crm'), endpoint('archive')]);
  return {
    reporter,
    bytes: () => String(stream.read() ?? ''),
    /** Columns of all lines since the last call, the time included. */
    widths: () =>
      stripVTControlCharacters(String(stream.read() ?? ''))
        .split('\n')
        .slice(0, -1)
        .map(columnsOf),
    /** Lines since the last call, without the time before them. */
    read: () =>
      stripVTControlCharacters(String(stream.read() ?? ''))
        .split('\n')
        .slice(0, -1)
        .map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, '')),
    stream,
    pass(ms: number) {
      now += ms;
      reporter.tick();
    },
  };
}

const id = '20261127-082405-ZmDJHs4l';

describe('calmReporter', () => {
  it('prints one line for a change, with its deliveries at the end', () => {
    const { reporter, read, pass } = reporting();
    reporter.announcement(change('e1'));
    reporter.delivery(delivered('e1', 'crm'));
    reporter.delivery(retry('e1', 'archive'));
    reporter.receipt({ endpoint: 'crm', id: 'e1', status: 204, type: 'transfer.active', isRepetition: false });
    pass(0);
    expect(read()).toEqual([`${id}  active  from alice@…       → crm; archive HTTP 500, again in 2 s`]);
    reporter.delivery(delivered('e1', 'archive', 2));
    pass(500);
    expect(read()).toEqual([`${id}  → archive, attempt 2`]);
  });

  it('ends all lines of complete changes in the same column', () => {
    const { reporter, read, pass } = reporting();
    for (const [event, mailbox] of [
      ['e1', 'a@example.com'],
      ['e2', 'long.name@department.example.com'],
    ] as const) {
      reporter.announcement(change(event, { mailbox }));
      for (const name of ['crm', 'archive']) reporter.delivery(delivered(event, name));
    }
    pass(0);
    const lines = read();
    expect(lines.map((line) => line.length)).toEqual([90, 90]);
    for (const line of lines) expect(line).toMatch(/ {2}→ archive, crm$/);
  });

  it('tells what no webhook has answered, held and refused', () => {
    const { reporter, read, pass } = reporting();
    reporter.announcement(change('e1'));
    reporter.delivery(outcome('e1', 'crm', 'HELD', { reason: 'paused' }));
    pass(2000);
    reporter.announcement(change('e2'));
    reporter.delivery(failed('e2', 'crm'));
    reporter.delivery(delivered('e2', 'archive'));
    pass(0);
    expect(read()).toEqual([
      expect.stringMatching(/ {2}crm held \(paused\); archive not yet$/),
      expect.stringMatching(/ {2}→ archive$/),
      `${id}  crm failed for good: HTTP 400, rejected, attempt 1`,
    ]);
  });

  it('sums up deliveries that end together, and names one of those that failed', () => {
    const { reporter, read, pass } = reporting();
    for (let number = 0; number < 5; number += 1) {
      reporter.delivery(delivered(`evt_${number}`, 'crm'));
      reporter.delivery(failed(`evt_${number}`, 'archive'));
    }
    pass(2000);
    expect(read()).toEqual([
      '→ crm     5 delivered',
      'archive   5 failed for good, for example evt_0: HTTP 400, rejected, attempt 1',
    ]);
  });

  it('waits only for the webhooks that want a change', () => {
    const { reporter, read, pass } = reporting();
    reporter.endpoints([
      endpoint('crm', { mailboxes: ['bob@example.com'] }),
      endpoint('erp', { types: ['transfer.failed'] }),
      endpoint('team', { format: 'email' }),
    ]);
    reporter.announcement(change('e1'));
    pass(0);
    expect(read()).toEqual([`${id}  active, was processing  from alice@example.com`]);
  });

  it('sets the mailbox apart from words of a fact, which would go on with it', () => {
    const { reporter, read, pass } = reporting();
    const watch = { mailbox: 'bob@example.com', direction: 'received' } as const;
    const told = { trackingId: id, state: 'ACTIVE', previousState: 'ACTIVE', sequence: 3 };
    const fact = {
      ...told,
      recipient: 1,
      recipients: 1,
      downloadedBy: 1,
      method: 'downloaded',
      news: 'transfer.downloaded',
    } as const;
    const event = transferEvent('https://x.example', watch, fact, '2026-11-24T14:05:59.120Z');
    reporter.endpoints([]);
    reporter.announcement({ kind: 'event', id: event.id, event });
    pass(0);
    expect(read()).toEqual([`${id}  we have downloaded it  (to bob@example.com)`]);
  });

  it('prints the first line of a message to a reader', () => {
    const { reporter, read, pass } = reporting();
    reporter.announcement({ kind: 'notice', id: 'dig_1', reader: 'team', text: '2 transfers failed\n\nmore\n' });
    reporter.delivery(delivered('dig_1', 'team'));
    pass(0);
    expect(read()).toEqual([`digest to team${' '.repeat(12)}2 transfers failed${' '.repeat(40)}→ sent`]);
  });

  it('breaks what operators have to read, and cuts nothing of it', () => {
    const { reporter, read, pass } = reporting();
    const problem = { cause: 'not_verified', message: `the mailbox is not verified; ${'remedy '.repeat(20)}END` };
    const watch = { mailbox: 'a@example.com', direction: 'sent' } as const;
    reporter.poll({ ...failedPoll(problem), watch, durationMs: 1, sinceCompleteMs: 0 });
    const cause = {
      cause: 'unreachable',
      message: 'it cannot be reached',
      failingSince: '2026-11-24T14:05:59.120Z',
    } as const;
    const event = endpointEvent('endpoint.failing', { endpoint: 'crm', ...cause }, '2026-11-24T14:05:59.120Z');
    reporter.announcement({ kind: 'event', id: event.id, event });
    pass(0);
    const lines = read();
    expect(lines[0]).toMatch(/^problem {3}sent by a@example\.com: the mailbox is not verified; remedy/);
    expect(lines.join(' ')).toMatch(/END endpoint\.failing {2}Endpoint crm is failing\. .* it cannot be reached\.$/);
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(100);
  });

  it('keeps a secret whole, so that it can be copied', () => {
    const { reporter, read } = reporting({ columns: 40, TERM: 'dumb' });
    const secret = `whsec_${'A'.repeat(44)}`;
    reporter.warning(`secret of the webhook crm, shown this once: ${secret}`);
    expect(read().join('\n')).toContain(secret);
  });

  it('prints a change that waits once it is to hurry, and resolves its promise only then', async () => {
    const { reporter, read } = reporting();
    let isPrinted = false;
    const printed = Promise.resolve(reporter.announcement(change('e1'))).then(() => {
      isPrinted = true;
    });
    await Promise.resolve();
    expect([isPrinted, read()]).toEqual([false, []]);
    reporter.hurry();
    await printed;
    reporter.announcement(change('e2'));
    expect(read()).toEqual([expect.stringContaining('not yet'), expect.stringContaining('not yet')]);
  });

  it('prints in the end what waits and what is still open, once', () => {
    const { reporter, read } = reporting();
    reporter.announcement(change('e1'));
    reporter.delivery(retry('e1', 'archive'));
    reporter.close();
    reporter.close();
    const open = '1 delivery to archive, 1 delivery to crm; the next start makes up for it';
    expect(read()).toEqual([
      expect.stringMatching(/archive HTTP 500, again in 2 s; crm not yet$/),
      `open      ${open}`,
    ]);
  });

  it('tells at the end of held deliveries apart, as no start sends them', () => {
    const { reporter, read } = reporting();
    reporter.announcement(change('e1'));
    reporter.delivery({ ...retry('e1', 'archive'), status: 'HELD', reason: 'disabled' });
    reporter.close();
    expect(read().slice(1)).toEqual([
      'open      1 delivery to crm; the next start makes up for it',
      'held      1 delivery to archive; endpoint recover sends them, once that works again',
    ]);
  });

  it('shows the command that adds the first watch whole, however narrow the output is', () => {
    const { reporter, read } = reporting();
    const command = 'npm run notifier -- watch add MAILBOX --data /srv/transfer-notifier/with/a/long/path/of/data';
    reporter.ready([['Watches', `none in the configuration: ${command}`]]);
    expect(read().join(' ').replaceAll(/\s+/g, ' ')).toContain(command);
  });

  it('prints the addresses at the start, without those of the embedded services', () => {
    const { reporter, read } = reporting();
    const mailboxes = Array.from({ length: 500 }, (_, number) => `sent by m${number}@example.com`).join(', ');
    reporter.ready([
      ['Console', 'http://127.0.0.1:1/?token=x'],
      ['Watches', mailboxes],
      ['DynamoDB', 'http://127.0.0.1:2'],
    ]);
    expect(read()).toEqual([
      '  Console  http://127.0.0.1:1/?token=x',
      expect.stringMatching(/^ {2}Watches {2}sent by m0@example\.com, .*…$/),
      '',
    ]);
  });
});

describe('calmReporter at the start', () => {
  it('breaks a fact of more than 100 columns between words, and loses nothing of it', () => {
    const { reporter, read } = reporting();
    const file = `/tmp/transfer-notifier-${'x'.repeat(40)}/operator.json`;
    reporter.ready([
      ['Operator API', `http://127.0.0.1:36795, with the token in ${file}`],
      ['Ask it', 'npm run notifier -- status'],
    ]);
    expect(read()).toEqual([
      '  Operator API  http://127.0.0.1:36795, with the token in',
      `                ${file}`,
      '  Ask it        npm run notifier -- status',
      '',
    ]);
  });
});

describe('calmReporter on a terminal', () => {
  const facts = [
    ['Cryptshare Server', 'http://127.0.0.1:2'],
    ['Console', 'http://127.0.0.1:1/?token=x'],
    ['Operator API', 'http://127.0.0.1:3, with the token in /tmp/x'],
  ] as const;
  /** The last lines on the screen, of which the first is empty. */
  const below = (text: string, count: number) => {
    const drawn = text.slice(Math.max(0, text.lastIndexOf('\u001b[J')));
    return stripVTControlCharacters(drawn).split('\n').slice(-count);
  };

  it('keeps the addresses in sight below the lines, the console first, and counts down to the next retry', () => {
    const { reporter, bytes, pass } = reporting({ columns: 120 });
    reporter.ready(facts);
    reporter.announcement(change('e1'));
    reporter.delivery(delivered('e1', 'crm'));
    reporter.delivery(retry('e1', 'archive'));
    pass(0);
    const addresses = 'Console  http://127.0.0.1:1/?token=x   Cryptshare Server  http://127.0.0.1:2';
    const status = (wait: string) => `1 change, 1 delivery; archive: 1 again ${wait}; Ctrl-C stops`;
    expect(below(bytes(), 4)).toEqual(['', addresses, 'Operator API  http://127.0.0.1:3', status('in 2 s')]);
    pass(400);
    expect(bytes()).toBe('');
    pass(800);
    expect(below(bytes(), 9)).toEqual(['', addresses, 'Operator API  http://127.0.0.1:3', status('in 1 s')]);
    reporter.close();
    expect(below(bytes(), 9)).toEqual(['']);
  });

  it('erases what a narrower terminal has wrapped', () => {
    const { reporter, bytes, pass, stream } = reporting({ columns: 120 });
    reporter.ready(facts);
    pass(0);
    bytes();
    Object.assign(stream, { columns: 50 });
    reporter.warning('x');
    // Of the four lines, one is 76 columns wide and one 51.
    expect(bytes()).toContain('\r\u001b[5A\u001b[J');
  });

  it('cuts no address: one that is too long is left out', () => {
    const { reporter, bytes, pass } = reporting({ columns: 40 });
    reporter.ready([['Console', `http://127.0.0.1:1/?token=${'x'.repeat(32)}`], facts[0]]);
    pass(0);
    const status = '0 changes, 0 deliveries; of these, not…';
    expect(below(bytes(), 3)).toEqual(['', 'Cryptshare Server  http://127.0.0.1:2', status]);
  });

  it('draws nothing below the lines while the terminal takes no bytes', () => {
    const { reporter, bytes, pass, stream } = reporting({ columns: 120 });
    pass(0);
    bytes();
    Object.defineProperty(stream, 'writableLength', { value: 1, configurable: true });
    reporter.warning('paused');
    pass(5000);
    expect(bytes().endsWith('paused\n')).toBe(true);
    Object.defineProperty(stream, 'writableLength', { value: 0 });
    pass(200);
    expect(below(bytes(), 9)).toEqual(['', '0 changes, 0 deliveries; of these, nothing waits; Ctrl-C stops']);
  });

  it('prints plain lines on a terminal without escape sequences', () => {
    const { reporter, bytes, pass } = reporting({ columns: 120, TERM: 'dumb' });
    reporter.ready(facts);
    pass(0);
    expect(bytes()).not.toContain('Ctrl-C stops');
  });
});

describe('lines of calmReporter', () => {
  const trackingId = fc.stringMatching(/^[!-~]{1,200}$/);
  const name = fc.stringMatching(/^[a-z0-9-]{1,64}$/);
  const facts = fc.constantFrom(delivered, retry, failed);
  /** Explanations keep words of 64 columns whole, with an indent of 20, or of two where there is little room. */
  const mostOf = (columns: number) => Math.max(columns < 61 ? 66 : 84, Math.min(100, columns - 1));

  it('have at most 100 columns, and no more than the terminal, for any names', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        anyWatch,
        trackingId,
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.uniqueArray(fc.tuple(name, facts), { maxLength: 30, selector: ([one]) => one }),
        fc.nat(2),
        (columns, { mailbox }, tracking, state, deliveries, late) => {
          const { reporter, widths, pass } = reporting({ columns, TERM: 'dumb' });
          reporter.endpoints(deliveries.map(([one]) => endpoint(one)));
          reporter.announcement(change('e1', { mailbox, trackingId: tracking, state }));
          for (const [one, of] of deliveries.slice(late)) reporter.delivery(of('e1', one));
          pass(2000);
          pass(2000);
          const [first, ...others] = widths();
          expect(first).toBeLessThanOrEqual(Math.min(100, columns - 1));
          for (const other of others) expect(other).toBeLessThanOrEqual(mostOf(columns));
        },
      ),
    );
  });

  it('are there for any event, also of another version, and keep to 100 columns', () => {
    fc.assert(
      fc.property(anyEvents, fc.integer({ min: 20, max: 200 }), (events, columns) => {
        const { reporter, widths } = reporting({ columns, TERM: 'dumb' });
        reporter.endpoints([endpoint('crm', { types: ['transfer.*', 'watch.*'], mailboxes: ['alice@example.com'] })]);
        for (const [number, event] of events.entries())
          reporter.announcement({ kind: 'event', id: `e${number}`, event: event as unknown as TransferEvent });
        reporter.hurry();
        const lines = widths();
        expect(lines.length).toBeGreaterThanOrEqual(events.length);
        for (const line of lines) expect(line).toBeLessThanOrEqual(mostOf(columns));
      }),
      { numRuns: 50 },
    );
  });
});
