import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { ScriptedApi } from '#test/infra/cli/scripted-api.ts';

const delivery = {
  ...{ event: 'evt_1', endpoint: 'crm', status: 'PENDING', attempt: 1, type: 'transfer.failed' },
  eventAt: '2026-11-24T12:00:00.000Z',
};

let api: ScriptedApi;

beforeAll(async () => {
  api = await ScriptedApi.start();
});
beforeEach(() => api.reset());
afterAll(() => api.close());

test('a list shows what each delivery is of', async () => {
  api.on('GET /deliveries', { body: { items: [delivery] } });
  const { stdout } = await run(['delivery', 'list', '--url', api.url]);
  expect(stdout).toMatch(/^EVENT AT \(UTC\) +TYPE +EVENT .*\n\S+ \S+ +transfer\.failed +evt_1 +crm/);
});

test.each([
  [{ failure: 'unresolvable', code: 'ENOTFOUND' }, 'its name cannot be resolved (ENOTFOUND)', 'DNS'],
  [{ failure: 'refused', code: 'ECONNREFUSED' }, 'the connection was refused (ECONNREFUSED)', 'whether it runs'],
  [{ failure: 'connect_timeout' }, 'no connection within 5 s', 'network'],
  [{ failure: 'timeout' }, 'no answer within 15 s', 'answer first'],
  [{ failure: 'forbidden_target' }, 'its address is not on the public internet', '--allow-private-webhooks'],
  [{ failure: 'tls', code: 'CERT_HAS_EXPIRED' }, 'its certificate has expired (CERT_HAS_EXPIRED)', 'renew'],
  [{ failure: 'broken', code: 'ECONNRESET' }, 'the connection broke before an answer (ECONNRESET)', 'log'],
  [{ status: 503, response: 'busy' }, 'HTTP 503', ''],
])(
  'a delivery is shown with the reason of each attempt, and what to do about the last: %j',
  async (how, words, remedy) => {
    const attempts = [{ attempt: 1, startedAt: delivery.eventAt, durationMs: 12, outcome: 'failed', ...how }];
    api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, attempts } });
    const { stdout, stderr } = await run(['delivery', 'show', 'evt_1', 'crm', '--url', api.url]);
    expect(stdout).toContain(words);
    expect(stderr).toContain(remedy);
    if (remedy === '') expect(stderr).toBe('');
  },
);

test('of a delivery that arrived in the end, nothing is to be done', async () => {
  const attempt = { attempt: 1, startedAt: delivery.eventAt, durationMs: 12, outcome: 'failed', failure: 'timeout' };
  api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, status: 'DELIVERED', attempts: [attempt] } });
  expect((await run(['delivery', 'show', 'evt_1', 'crm', '--url', api.url])).stderr).toBe('');
});
