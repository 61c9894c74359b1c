import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { failedPoll } from '#functions/poll/poll-result.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { loadConfig } from '#infra/config/config.ts';
import { calmReporter } from '#infra/local/console/calm-reporter.ts';
import type { Output, Reporter } from '#infra/local/console/console.ts';
import { simulatedClientId } from '#infra/simulator/verifications.ts';
import { delivered, type outcome, retry } from '#test/infra/local/console/told-facts.ts';

const alice = { mailbox: 'alice@example.com', direction: 'sent' } as const;

/** Facts at a time of the day; they have the lines of a page. */
type Step = readonly [time: string, tell: (reporter: Required<Reporter>) => unknown];

/** Prints what a person sees of these facts. */
function printed(endpoints: readonly string[], steps: readonly Step[]): string[] {
  const stream = new PassThrough();
  let now = 0;
  const output = { stream, write: (lines: string) => stream.write(lines) } as unknown as Output;
  const reporter = calmReporter(output, () => now, true, {});
  reporter.endpoints(
    endpoints.map((name) => ({ name, types: ['transfer.*'], format: 'event' }) as unknown as Endpoint),
  );
  for (const [time, tell] of steps) {
    const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
    now = new Date(2026, 10, 27, hours, minutes, seconds).getTime();
    tell(reporter);
    reporter.tick();
  }
  now += 60_000;
  reporter.tick();
  reporter.close();
  return String(stream.read()).trim().split('\n');
}

let events = 0;

/** A change, with the outcomes of its deliveries. */
function told(time: string, trackingId: string, facts: object, outcomes: readonly ReturnType<typeof outcome>[]): Step {
  events += 1;
  const id = `evt_${events}`;
  const data = { ...alice, trackingId, state: 'ACTIVE', previousState: null, sequence: 1, ...facts };
  const { type = 'transfer.active', ...rest } = data as { type?: string };
  const event = { id, type, timestamp: '2026-11-27T06:37:19.000Z', data: rest } as unknown as TransferEvent;
  return [
    time,
    (reporter) => {
      reporter.announcement({ kind: 'event', id, event });
      for (const one of outcomes) reporter.delivery({ ...one, event: one.event === '' ? id : one.event });
    },
  ];
}

const all = (...endpoints: string[]) => endpoints.map((name) => delivered('', name));

/** A retry some seconds after a time. */
const again = (endpoint: string, time: string, seconds: number, facts: object = {}) => ({
  ...retry('', endpoint),
  ...facts,
  nextAttemptAt: new Date(Date.parse(`2026-11-27T${time}`) + seconds * 1000).toISOString(),
});

const later = (event: number, endpoint: string): ((reporter: Reporter) => void) => {
  return (reporter) => reporter.delivery(delivered(`evt_${event}`, endpoint, 2));
};

const blockOf = (file: string, begins: string): string[] => {
  const text = readFileSync(file, 'utf8');
  const [block = ''] = text.slice(text.indexOf(`\n\`\`\`\n${begins}`) + 5).split('\n```');
  return block.split('\n');
};

describe('README.md', () => {
  it('shows the output of npm start as it is', () => {
    const [first, old, overdue] = ['20261127-083705-ZmDJHs4l', '20261127-075704-vbHHJMkq', '20261127-083604-ZWKt9Odx'];
    const poll = { ...failedPoll(undefined), outcome: 'baseline' as const, transfers: 41 };
    const begun = { type: 'transfer.processing', state: 'PROCESSING' };
    const text = '2 transfers failed, 1 deleted after wrong passwords, 1 about to expire unread\n';
    const both = all('crm', 'archive');
    events = 0;
    const lines = printed(
      ['crm', 'archive'],
      [
        ['06:37:05', (reporter) => reporter.poll({ ...poll, watch: alice, durationMs: 1, sinceCompleteMs: 0 })],
        told('06:37:06', first, begun, [...all('crm'), again('archive', '06:37:06', 2)]),
        told('06:37:08', first, { previousState: 'PROCESSING' }, both),
        told('06:37:09', first, { type: 'transfer.downloaded', recipients: 2, downloadedBy: 1 }, both),
        ['06:37:09', later(1, 'archive')],
        told('06:37:11', first, { type: 'transfer.problem', problems: ['recipient_not_notified'] }, both),
        told('06:37:13', old, { type: 'transfer.deleted_by_expiration', previousState: 'ACTIVE' }, both),
        told(
          '06:37:19',
          overdue,
          { type: 'transfer.overdue', recipients: 3, downloadedBy: 1, expiresAt: '2026-11-29T06:36:19.000Z' },
          both,
        ),
        ['06:38:01', (reporter) => reporter.announcement({ kind: 'notice', id: 'dig_1', reader: 'team', text })],
        ['06:38:01', (reporter) => reporter.delivery(delivered('dig_1', 'team'))],
      ],
    );
    expect(blockOf('README.md', '06:37:05')).toEqual(lines);
  });
});

describe('docs/operations.md', () => {
  it('shows the output of a local run as it is', () => {
    const refused = { failure: 'refused', code: 'ECONNREFUSED', answer: undefined };
    const begun = { type: 'transfer.processing', state: 'PROCESSING' };
    const [old, next] = ['20261127-074839-vbHHJMkq', '20261127-082856-CUZ2sBJ4'];
    events = 0;
    const lines = printed(
      ['ok', 'broken'],
      [
        told('06:28:49', old, { type: 'transfer.deleted_by_expiration', previousState: 'ACTIVE' }, [
          ...all('ok'),
          again('broken', '06:28:49', 6, refused),
        ]),
        ['06:28:55', later(1, 'broken')],
        told('06:28:57', next, begun, all('ok')),
      ],
    );
    expect(blockOf('docs/operations.md', '06:28:49')).toEqual(lines);
  });

  it('shows a configuration and a client id for the simulated server that are valid', () => {
    const page = readFileSync('docs/operations.md', 'utf8');
    const section = page.slice(page.indexOf('## Try it with the simulated server'));
    expect(section).toContain(`export CRYPTSHARE_CLIENT_ID=${simulatedClientId}\n`);
    const [, json = ''] = /```json\n(.*?)```/s.exec(section) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'calm-output-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'simulator.config.json');
    writeFileSync(file, json);
    expect(loadConfig(file, () => []).server.url).toBe('http://127.0.0.1:8090');
  });
});
