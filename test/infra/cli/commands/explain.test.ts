import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { problem, startOperatorApi } from '#test/infra/cli/scripted-api.ts';

const api = await startOperatorApi();

const trackingId = '20240522-065711-H8UoUSI6';
const [event, digest] = ['evt_56mnp55kjea3y2ryfrhmpzps3', 'dig_5ulj4ueztgkpb5rbuy4hd7cdh'];
const route = `GET /transfers/${trackingId}/explanation`;
const watch = { mailbox: 'alice@example.com', direction: 'sent' };
const row = (id: string, to: string) => ({ row: `EVENT#${id.slice(0, 16)} DELIVERY#${id}#${to}` });
const of = { event, type: 'transfer.failed', at: '2026-11-24T12:00:00.120Z' };

const told = {
  trackingId,
  finding: 'told',
  seen: [{ trackingId, ...watch, state: 'FAILED', since: of.at, firstSeenAt: of.at, isListed: false }],
  timeline: [
    { at: of.at, kind: 'seen', ...watch },
    { at: of.at, kind: 'event', event, type: of.type, state: 'FAILED', ...watch },
    { at: '2026-11-24T12:00:01.000Z', kind: 'fanned_out', event },
    {
      ...{ at: '2026-11-24T12:00:02.000Z', kind: 'attempt', event, endpoint: 'crm', attempt: 1, status: 503 },
      ...{ outcome: 'failed', cause: 'throttled', durationMs: 12 },
    },
    { at: '2026-11-24T12:00:12.000Z', kind: 'digest', event, endpoint: 'team', digest },
    {
      ...{ at: '2026-11-24T12:00:12.500Z', kind: 'attempt', event: digest, endpoint: 'team', attempt: 1 },
      ...{ outcome: 'delivered', durationMs: 31 },
    },
    { at: '2026-11-24T12:00:13.000Z', kind: 'delivered', event: digest, endpoint: 'team' },
  ],
  subscribers: [
    {
      ...{ name: 'crm', isReader: false, status: 'active' },
      verdicts: [
        {
          ...{ ...of, verdict: 'waits_for_retry', attempts: 2, nextAttemptAt: '2026-11-24T12:05:00.500Z' },
          proof: row(event, 'crm'),
        },
      ],
    },
    {
      ...{ name: 'erp', isReader: false, status: 'paused' },
      verdicts: [{ ...of, verdict: 'held_paused', reason: 'paused', proof: { setting: 'status', value: 'paused' } }],
    },
    {
      ...{ name: 'team', isReader: true, status: 'active' },
      verdicts: [{ ...of, verdict: 'in_digest', digest, attempts: 1, proof: row(digest, 'team') }],
    },
    { name: 'none', isReader: false, status: 'active', verdicts: [] },
  ],
};

const explain = (...args: string[]) => run(['explain', trackingId, '--url', api.url, ...args], { columns: 100 });

describe('explain', () => {
  it('tells the life of a transfer, and a verdict for each subscriber with its proof and its command', async () => {
    api.on(route, { body: told });
    const { code, stdout, stderr } = await explain();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const shown = stripVTControlCharacters(stdout).replaceAll(` --url ${api.url}`, '');
    expect(shown).toBe(`transfer  ${trackingId}
found     there are events about it
sent      alice@example.com, FAILED since 2026-11-24 12:00:00 UTC, no longer listed

AT (UTC)             WHAT        EVENT            TO    HOW
2026-11-24 12:00:00  seen                               sent alice@example.com
2026-11-24 12:00:00  event       transfer.failed        FAILED
2026-11-24 12:00:01  fanned out  transfer.failed
2026-11-24 12:00:02  attempt     transfer.failed  crm   1: HTTP 503, 12 ms
2026-11-24 12:00:12  digest      transfer.failed  team  dig_5ulj4ueztgkpb5rbuy4hd7cdh
2026-11-24 12:00:12  attempt     digest           team  1: taken, 31 ms
2026-11-24 12:00:13  delivered   digest           team

crm (active endpoint)
  waits for a retry: HTTP 503, 2 attempts
    transfer.failed  evt_56mnp55kjea3y2ryfrhmpzps3, at 2026-11-24 12:05:00 UTC
    row EVENT#evt_56mnp55kjea3 DELIVERY#evt_56mnp55kjea3y2ryfrhmpzps3#crm
    → npm run notifier -- delivery cancel evt_56mnp55kjea3y2ryfrhmpzps3 crm
    → npm run notifier -- delivery resend evt_56mnp55kjea3y2ryfrhmpzps3 crm

erp (paused endpoint)
  held, because the subscriber was paused
    transfer.failed  evt_56mnp55kjea3y2ryfrhmpzps3
    status is paused
    → npm run notifier -- endpoint resume erp
    → npm run notifier -- endpoint recover erp --from 2026-11-24T12:00:00.120Z

team (active reader)
  told in a digest that was delivered
    transfer.failed  evt_56mnp55kjea3y2ryfrhmpzps3, in dig_5ulj4ueztgkpb5rbuy4hd7cdh
    row EVENT#dig_5ulj4ueztgkp DELIVERY#dig_5ulj4ueztgkpb5rbuy4hd7cdh#team
    → npm run notifier -- delivery resend dig_5ulj4ueztgkpb5rbuy4hd7cdh team
`);
    expect(stdout).toContain(`→ npm run notifier -- endpoint resume erp --url ${api.url}`);
    for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('lists events with the same verdict under it, with all proofs, and each command once', async () => {
    const later = 'evt_56mnp55kjea3zzzzzzzzzzzzz';
    const verdicts = [
      { ...of, verdict: 'held_paused', reason: 'paused', proof: { setting: 'status', value: 'paused' } },
      {
        ...{ ...of, event: later, at: '2026-11-24T13:00:00.000Z', verdict: 'held_paused', reason: 'paused' },
        proof: row(later, 'erp'),
      },
      { ...of, event: 'evt_56mnp55kjea3a', verdict: 'delivered', attempts: 1, proof: row('evt_56mnp55kjea3a', 'erp') },
      { ...of, event: 'evt_56mnp55kjea3b', verdict: 'delivered', attempts: 1, proof: row('evt_56mnp55kjea3b', 'erp') },
    ];
    api.on(route, { body: { ...told, timeline: [], subscribers: [{ ...told.subscribers[1], verdicts }] } });
    const { stdout } = await explain();
    const shown = stripVTControlCharacters(stdout).replaceAll(` --url ${api.url}`, '');
    expect(shown.slice(shown.indexOf('erp'))).toBe(`erp (paused endpoint)
  held, because the subscriber was paused
    transfer.failed  evt_56mnp55kjea3y2ryfrhmpzps3
    transfer.failed  evt_56mnp55kjea3zzzzzzzzzzzzz
    status is paused
    row EVENT#evt_56mnp55kjea3 DELIVERY#evt_56mnp55kjea3zzzzzzzzzzzzz#erp
    → npm run notifier -- endpoint resume erp
    → npm run notifier -- endpoint recover erp --from 2026-11-24T12:00:00.120Z
  delivered
    transfer.failed  evt_56mnp55kjea3a
    transfer.failed  evt_56mnp55kjea3b
    row EVENT#evt_56mnp55kjea3 DELIVERY#evt_56mnp55kjea3a#erp
    row EVENT#evt_56mnp55kjea3 DELIVERY#evt_56mnp55kjea3b#erp
    → npm run notifier -- endpoint resume erp
    → npm run notifier -- delivery resend EVENT erp
`);
  });

  it('asks for one endpoint or reader, in the watches of a mailbox', async () => {
    api.on(route, { body: told });
    await explain('--endpoint', 'crm');
    await explain('--reader', 'team', '--mailbox', 'alice@example.com', '--direction', 'sent');
    expect(api.calls).toEqual([
      `${route}?subscriber=crm&all=true`,
      `${route}?subscriber=team&mailbox=alice%40example.com&direction=sent&all=true`,
    ]);
    expect(await explain('--endpoint', 'crm', '--reader', 'team')).toMatchObject({ code: 2 });
    expect(await explain('--direction', 'up')).toMatchObject({ code: 2 });
  });

  it('prints the answer as JSON', async () => {
    api.on(route, { body: told });
    expect(JSON.parse((await explain('--json')).stdout)).toEqual(told);
  });

  it('says what it has looked at when it found nothing, and never that all is well', async () => {
    const looked = { watches: 3, isMore: true, disabled: 1, failing: 1, unfinished: 0 };
    api.on(route, { body: { trackingId, finding: 'unknown', looked, seen: [], timeline: [], subscribers: [] } });
    const { code, stdout } = await explain();
    const where = 'not in 3 watches (1 failing, 1 not polled); there are more: name its mailbox by --mailbox';
    expect(code).toBe(3);
    expect(stripVTControlCharacters(stdout)).toBe(
      `transfer  ${trackingId}\nfound     unknown to this notifier: ${where}\n`,
    );
  });

  it.each([
    ['unknown', 3],
    ['not_watched', 3],
    ['not_listed_yet', 3],
    ['baseline', 0],
    ['expired', 0],
    ['told', 0],
  ])(
    'has for the finding %s the exit code %i, as JSON as well: 3 where nothing is stored of it',
    async (finding, code) => {
      const seen = code === 0 ? told.seen : [];
      api.on(route, { body: { ...told, finding, seen, timeline: [], subscribers: [] } });
      expect((await explain()).code).toBe(code);
      const json = await explain('--json');
      expect([json.code, JSON.parse(json.stdout).finding]).toEqual([code, finding]);
    },
  );

  it('says that there is more, and has exit code 3 for a subscriber that never was', async () => {
    api.on(route, { body: { ...told, hasMore: true } });
    expect((await explain()).stderr).toBe('there is more than one answer shows: name one subscriber, or a mailbox\n');
    expect(api.requests.at(-1)!.url).toMatch(/explanation\?all=true$/);
    api.on(route, problem(404, 'there is no endpoint or reader stranger'));
    expect(await explain('--endpoint', 'stranger')).toMatchObject({
      code: 3,
      stderr: 'there is no endpoint or reader stranger\n',
    });
  });
});
