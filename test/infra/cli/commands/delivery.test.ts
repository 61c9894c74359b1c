import { describe, expect, it } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const delivery = {
  ...{ event: 'evt_1', endpoint: 'crm', status: 'PENDING', attempt: 1, type: 'transfer.failed' },
  eventAt: '2026-11-24T12:00:00.000Z',
};
const attempt = { attempt: 1, startedAt: delivery.eventAt, durationMs: 12, outcome: 'failed' };

const api = await startOperatorApi();
const cli = (...args: string[]) => run(['delivery', ...args, '--url', api.url]);

describe('delivery list', () => {
  it('shows the type of each event', async () => {
    api.on('GET /deliveries', { body: { items: [delivery] } });
    const { stdout } = await cli('list');
    expect(stdout).toMatch(/^EVENT AT \(UTC\) +TYPE +EVENT .*\n\S+ \S+ +transfer\.failed +evt_1 +crm/);
  });

  it('passes its filters to the operator API', async () => {
    const filters = ['--endpoint', 'crm', '--status', 'failed', '--tracking-id', 't&1'];
    await cli('list', ...filters, '--from', '2026-11-24T10:00+01:00');
    expect(api.requests[0]!.url).toBe(
      '/deliveries?endpoint=crm&status=FAILED&from=2026-11-24T09%3A00%3A00.000Z&trackingId=t%261&limit=50',
    );
  });
});

describe('delivery show', () => {
  it.each([
    [{ failure: 'unresolvable', code: 'ENOTFOUND' }, 'its name cannot be resolved (ENOTFOUND)', 'DNS'],
    [{ failure: 'refused', code: 'ECONNREFUSED' }, 'the connection was refused (ECONNREFUSED)', 'whether it runs'],
    [{ failure: 'connect_timeout' }, 'no connection within 5 s', 'network'],
    [{ failure: 'timeout' }, 'no answer within 15 s', 'answer first'],
    [{ failure: 'forbidden_target' }, 'its address is not on the public internet', '--allow-private-webhooks'],
    [{ failure: 'tls', code: 'CERT_HAS_EXPIRED' }, 'its certificate has expired (CERT_HAS_EXPIRED)', 'renew'],
    [{ failure: 'broken', code: 'ECONNRESET' }, 'the connection broke before an answer (ECONNRESET)', 'log'],
  ])('explains %j, and what to do about it unless a later attempt succeeded', async (how, words, remedy) => {
    const attempts = [
      { ...attempt, status: 500 },
      { ...attempt, ...how },
    ];
    api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, attempts } });
    const { stdout, stderr } = await cli('show', 'evt_1', 'crm');
    expect(stdout).toContain(words);
    expect(stderr).toContain(remedy);
    api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, status: 'DELIVERED', attempts } });
    expect(await cli('show', 'evt_1', 'crm')).toMatchObject({ code: 0, stderr: '' });
  });

  it('does not show a next attempt in the past as one to come', async () => {
    const shownFor = async (nextAttemptAt: string) => {
      api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, nextAttemptAt } });
      return (await cli('show', 'evt_1', 'crm')).stdout;
    };
    expect(await shownFor('2026-01-01T00:00:00.000Z')).toMatch(/due since 2026-01-01 00:00:00; endpoint show crm/);
    expect(await shownFor('2999-01-01T00:00:00.000Z')).toMatch(/^next attempt \(UTC\) +2999-01-01 00:00:00$/m);
  });

  it('shows an answer without control characters, so that it cannot steer the terminal', async () => {
    const response = '\u001b]0;title\u0007\u001b[2J\u001b[31mred\r\nsecond line';
    const attempts = [{ ...attempt, status: 400, response }];
    api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, attempts } });
    const { stdout, stderr } = await cli('show', 'evt_1', 'crm');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(stdout).toMatch(/HTTP 400 .*red second line/);
    expect(stderr).toBe('');
  });
});

describe('delivery cancel and resend', () => {
  it('asks before a cancellation, but not before sending again', async () => {
    api.on('POST /deliveries/evt_1/crm/cancel', { body: delivery });
    api.on('POST /deliveries/evt_1/crm/resend', { status: 202, body: delivery });
    expect(await cli('cancel', 'evt_1', 'crm')).toMatchObject({ code: 2 });
    expect(await cli('cancel', 'evt_1', 'crm', '--yes')).toMatchObject({ code: 0 });
    expect(await cli('resend', 'evt_1', 'crm')).toMatchObject({ code: 0 });
  });
});
