import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import type { ToldEvent } from '#functions/notices/digest.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import { canonicalState, isTrackingId } from '#functions/transfers/transfer.ts';
import { calmReporter } from '#infra/local/console/calm-reporter.ts';
import { type Output, personReporter, type Reporter, scriptReporter } from '#infra/local/console/console.ts';
import { htmlMail } from '#infra/local/mail/html-mail.ts';
import { messageFor } from '#test/functions/notices/digests.ts';
import { alice, expectHarmless, hostileTexts } from '#test/functions/notices/hostile-notices.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const at = '2026-11-24T14:05:59.120Z';

/** An event whose texts, as far as the server can choose them, are hostile. */
function hostileEvent(text: string): TransferEvent {
  const state = canonicalState(text) || 'Quarantined';
  const trackingId = isTrackingId(text) ? text : 't-1';
  const change = { trackingId, state, previousState: state, sequence: 1 };
  return transferEvent('https://cryptshare.example.com', alice, change, at);
}

/** All texts in a value of JSON. */
const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

/** Lines without what the notifier itself says there: the mailbox, the types, addresses of schemas, its own marks. */
const foreignIn = (text: string): string[] =>
  text
    .replaceAll('alice@example.com', '')
    .replaceAll(
      /\b(?:transfer\.[a-z_]+|https?:\/\/(?:adaptivecards\.io|cryptshare\.example\.com)\S*)|application\/vnd\S+/g,
      '',
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of the command line's own tables
    .replaceAll(/\u001b\[\d*m|\\/g, '')
    .replaceAll(/[`*]/g, ' ')
    .split('\n');

const expectLinesHarmless = (text: string) => {
  for (const line of foreignIn(text)) expectHarmless(line);
};

function printed(makeReporter: (output: Output) => Reporter, use: (reporter: Reporter) => void): string {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  use(makeReporter({ stream, write: (lines: string) => stream.write(lines) } as unknown as Output));
  return text;
}

let api: ScriptedApi;
beforeAll(async () => {
  api = await ScriptedApi.start();
});
beforeEach(() => api.reset());
afterAll(() => api.close());

describe.each(hostileTexts)('foreign text %j', (text) => {
  const event = hostileEvent(text);
  const message = messageFor([event as unknown as ToldEvent]);

  test('does no harm in a mail, nor in Slack and Teams (P22)', () => {
    const html = htmlMail(message)
      .replace(/<style>.*?<\/style>/s, '')
      .replaceAll(/<[^<>]*>/g, '\n');
    const chats = [JSON.parse(slackMessage(message)), JSON.parse(teamsMessage(message))];
    for (const one of [snsSubject(message), textOf(message), html, ...textsIn(chats)]) expectLinesHarmless(one);
  });

  test('does no harm on the terminal of the local run, nor in its JSON', () => {
    const use = (reporter: Reporter) => {
      reporter.announcement({ kind: 'event', id: event.id, event });
      reporter.announcement({ kind: 'notice', id: 'dig_1', reader: 'team', text: textOf(message) });
    };
    const calm = (output: Output) => calmReporter(output, () => 0, true);
    const useCalmly = (reporter: Reporter) => {
      use(reporter);
      reporter.close?.();
    };
    const verbose = printed((output) => personReporter(output, () => new Date(0)), use);
    // A long line has only the beginning of the mailbox.
    const calmly = printed(calm, useCalmly).replaceAll(/alice@\S*…/g, '');
    for (const text of [verbose, calmly]) expectLinesHarmless(text.replaceAll(/\d\d:\d\d:\d\d/g, ''));
    expect(calmly).toContain('digest to team');
    const json = printed(scriptReporter, use);
    expect(json).toMatch(/^[^\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u007f-\u009f]*$/u);
    expect(JSON.parse(json.split('\n')[0]!).event).toEqual(event);
  });

  test('does no harm in the tables of the command line, nor in its JSON', async () => {
    const attempts = [{ attempt: 1, startedAt: at, durationMs: 12, outcome: 'failed', status: 500, response: text }];
    const delivery = { event: event.id, endpoint: 'crm', status: 'FAILED', attempt: 1, eventAt: at, attempts };
    api.on('GET /events', { body: { items: [event] } });
    api.on(`GET /events/${event.id}`, { body: { ...event, deliveries: [] } });
    api.on(`GET /deliveries/${event.id}/crm`, { body: delivery });
    const { trackingId, state } = event.data;
    const transfer = { trackingId, state, since: at, firstSeenAt: at, isListed: true };
    api.on('GET /watches/sent/alice%40example.com/transfers', { body: { items: [transfer] } });
    const about = { event: event.id, type: event.type, at };
    const proof = { row: `sent#alice@example.com T#0000#${trackingId}` };
    const subscriber = { name: 'crm', isReader: false, status: 'active' };
    api.on(`GET /transfers/${encodeURIComponent('t-1')}/explanation`, {
      body: {
        ...{ trackingId, finding: 'told', seen: [{ ...transfer, mailbox: 'alice@example.com', direction: 'sent' }] },
        timeline: [{ ...about, kind: 'event', state, mailbox: 'alice@example.com', direction: 'sent' }],
        subscribers: [{ ...subscriber, verdicts: [{ ...about, verdict: 'not_fanned_out_yet', proof }] }],
      },
    });
    for (const command of [
      ['explain', 't-1'],
      ['transfer', 'list', '--mailbox', 'alice@example.com'],
      ['event', 'list'],
      ['event', 'show', event.id],
      ['delivery', 'show', event.id, 'crm'],
    ]) {
      const { stdout } = await run([...command, '--url', api.url], { columns: 400 });
      expectLinesHarmless(stdout.replaceAll(/\d\d:\d\d:\d\d/g, '').replaceAll(` --url ${api.url}`, ''));
    }
    const { stdout } = await run(['delivery', 'show', event.id, 'crm', '--json', '--url', api.url]);
    expect(stdout).toMatch(/^[^\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u007f-\u009f]*$/u);
    expect(JSON.parse(stdout)).toEqual(delivery);
  });
});
