import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { type Answers, DoctorWorld, now, nowhere } from './doctor-world.ts';

const world = await DoctorWorld.start();

/** The headings of the page for operators, as links name them. */
const headings = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
  text!.toLowerCase().replaceAll(' ', '-'),
);

describe('doctor', () => {
  it('reports every check as ok with exit code 0 when all is well', async () => {
    const environment = { CRYPTSHARE_CLIENT_ID: 'exampleclientid'.repeat(4) };
    const { code, checks, summary } = await world.doctor({}, { environment });
    expect(checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      ...['configuration ok', 'server ok', 'TLS ok', 'REST API version ok', 'clock ok', 'CRYPTSHARE_CLIENT_ID ok'],
      ...['operator API ok', 'licence ok', 'client id ok', 'verification ok', 'tables ok', 'topics ok', 'queues ok'],
      ...['last listing ok', 'deliveries ok'],
    ]);
    expect(summary).toEqual({ ok: checks.length, warn: 0, fail: 0 });
    expect(code).toBe(0);
  });

  it('prints outcomes, remedies and a summary for a person', async () => {
    world.isWell({ status: { endpoints: { active: 0, paused: 0, disabled: 1, failing: 0 } } });
    const ran = await run(['doctor', '--url', world.api.url, '--config', world.configOf()], { now });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^ok +configuration +\S+ can be used$/m);
    expect(ran.stdout).toMatch(/^warn +endpoints +1 are disabled$/m);
    expect(ran.stdout).toMatch(/^ +→ npm run notifier -- endpoint list --url http\S+ shows which/m);
    expect(ran.stdout).toMatch(/^\d+ checks: \d+ ok, 1 to look at, 0 failed$/m);
  });

  it('checks the server from here when the operator API does not answer', async () => {
    const { code, checks } = await world.doctor({}, {}, ['--url', nowhere, '--config', world.configOf()]);
    expect(code).toBe(1);
    expect(checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      ...['configuration ok', 'server ok', 'TLS ok', 'REST API version ok', 'clock ok', 'operator API fail'],
    ]);
  });

  it('fails for mistakes in the configuration file', async () => {
    const { code, of } = await world.doctor({ schedule: { every: 'often' } });
    expect(code).toBe(1);
    expect(of('configuration')).toMatchObject([{ outcome: 'fail', message: expect.stringMatching(/schedule\.every/) }]);
  });

  it('warns of a missing configuration file, and fails only if it was named', async () => {
    const before = process.cwd();
    process.chdir(mkdtempSync(join(world.folder, 'empty-')));
    const unnamed = await world.doctor({}, {}, []).finally(() => process.chdir(before));
    expect(unnamed.of('configuration')).toMatchObject([{ outcome: 'warn' }]);
    const named = await world.doctor({}, {}, ['--config', join(world.folder, 'none.json')]);
    expect(named.of('configuration')).toMatchObject([{ outcome: 'fail' }]);
  });

  it('warns when the configuration file names another server than the notifier polls', async () => {
    world.isWell({ status: { server: 'https://other.example.com' } });
    expect((await world.doctor()).of('configuration')[1]).toMatchObject({
      outcome: 'warn',
      message: `it names the server ${world.server.url}, and the notifier polls https://other.example.com`,
    });
  });

  it('fails for a client id of the wrong form without repeating it', async () => {
    const ran = await world.doctor({}, { environment: { CRYPTSHARE_CLIENT_ID: 'short-secret' } });
    expect(ran.code).toBe(1);
    expect(ran.of('CRYPTSHARE_CLIENT_ID')).toMatchObject([{ outcome: 'fail' }]);
    expect(ran.stdout).not.toContain('short-secret');
  });
});

const queue = { name: 'WakeUps', waiting: 0, inProgress: 0 };
const failing = (name: string) => ({
  ...{ name, status: 'active', isDeclared: false, createdAt: 'x', format: 'event', url: 'https://x.example.com/' },
  ...{ types: [], headerNames: [], retryDelaysMs: [], maxInFlight: 10 },
  failures: { count: 2, since: '2026-11-24T11:58:00.000Z' },
});

describe('checkServices, checkDeliveries and checkEndpoints', () => {
  it.each<[title: string, answers: Answers, name: string, ...checks: (readonly [outcome: string, message: string])[]]>([
    [
      'fails for a table that does not answer',
      { services: { tables: [{ name: 'transfers' }, { name: 'webhooks', problem: 'ResourceNotFoundException' }] } },
      'tables',
      ['fail', 'webhooks does not answer: ResourceNotFoundException'],
    ],
    [
      'fails for a queue that does not answer',
      { services: { queues: [{ ...queue, problem: 'QueueDoesNotExist' }] } },
      'queues',
      ['fail', 'WakeUps does not answer: QueueDoesNotExist'],
    ],
    [
      'fails for a topic that does not answer',
      { services: { topics: [{ name: 'transfer-events', subscriptions: 0, unconfirmed: 0, problem: 'NotFound' }] } },
      'topics',
      ['fail', 'transfer-events does not answer: NotFound'],
    ],
    [
      'fails for messages in a dead-letter queue',
      { services: { queues: [{ ...queue, name: 'WakeUpsDeadLetters', waiting: 2 }] } },
      'queues',
      ['fail', '2 messages in WakeUpsDeadLetters could not be handled'],
    ],
    [
      'warns of ticks that were lost',
      { services: { queues: [{ ...queue, name: 'MissedTicksDeadLetters', waiting: 3 }] } },
      'queues',
      ['warn', '3 ticks were lost within a day, and made up for by the next'],
    ],
    [
      'warns of subscriptions that are not confirmed',
      { services: { topics: [{ name: 'transfer-notices', subscriptions: 2, unconfirmed: 1 }] } },
      'topics',
      ['warn', '1 of 3 subscriptions of transfer-notices are not confirmed, and get nothing'],
    ],
    [
      'fails for overdue deliveries, and warns of held ones',
      {
        status: {
          deliveries: {
            waiting: { count: 9, more: false },
            held: { count: 4, more: false },
            oldestOverdueMs: 1_800_000,
          },
        },
      },
      'deliveries',
      ['fail', 'the oldest has been due for 30m'],
      ['warn', '4 are held'],
    ],
  ])('%s', async (_, answers, name, ...expected) => {
    world.isWell(answers);
    const { code, of } = await world.doctor();
    expect(of(name).map(({ outcome, message }) => [outcome, message])).toEqual(expected);
    expect(code).toBe(expected.some(([outcome]) => outcome === 'fail') ? 1 : 0);
    expect(of('last listing')).toMatchObject([{ outcome: 'ok' }]);
    for (const { remedy = '' } of of(name)) {
      const [, heading] = /operations\.md#(\S+)/.exec(remedy) ?? [];
      if (heading) expect(headings).toContain(heading);
      else expect(remedy).not.toBe('');
    }
  });

  it('warns of an endpoint with failing attempts, with the reason and the remedy of the last', async () => {
    const delivery = { event: 'evt_1', endpoint: 'crm', status: 'PENDING', attempt: 1, eventAt: 'x' };
    world.isWell({ endpoints: [failing('crm')] });
    world.api.on('GET /deliveries', { body: { items: [delivery] } });
    const attempt = { attempt: 1, startedAt: 'x', durationMs: 9, outcome: 'failed', failure: 'tls' };
    const attempts = [{ ...attempt, code: 'CERT_HAS_EXPIRED' }];
    world.api.on('GET /deliveries/evt_1/crm', { body: { ...delivery, attempts } });
    const { code, of } = await world.doctor();
    expect(code).toBe(0);
    expect(of('endpoints')).toMatchObject([
      {
        outcome: 'warn',
        message: expect.stringMatching(/^crm: 2 failed attempts since .* has expired/),
        remedy: expect.stringMatching(/renew/),
      },
    ]);
  });

  it('names three failing endpoints, and the number of the others', async () => {
    world.isWell({ endpoints: ['a', 'b', 'c', 'd', 'e'].map(failing) });
    world.api.on('GET /deliveries', { body: { items: [] } });
    const { of } = await world.doctor();
    expect(of('endpoints').map(({ message }) => message.slice(0, 2))).toEqual(['a:', 'b:', 'c:', '2 ']);
  });
});
