import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { problem } from '#test/infra/cli/scripted-api.ts';
import { alice, DoctorWorld } from './doctor-world.ts';

let world: DoctorWorld;

beforeAll(async () => {
  world = await DoctorWorld.start();
});
beforeEach(() => world.wellWith([alice]));
afterAll(() => world.close());

const unverified = { ...alice, mailbox: 'bob@example.com', verification: undefined };
const byMail = (validUntil: string) => ({ ...alice, verification: { method: 'email', validUntil } });
const askedByMail = { isVerified: true, methods: ['email'], method: 'email' };

test.each([
  ['2026-11-24T11:00:00.000Z', 'fail', 'has ended at 2026-11-24 11:00:00 UTC'],
  ['2026-11-29T11:00:00.000Z', 'warn', 'ends at 2026-11-29 11:00:00 UTC'],
])('a verification by mail until %s is told', async (validUntil, outcome, message) => {
  world.wellWith([byMail(validUntil)]);
  world.api.on('GET /mailboxes/alice%40example.com/verification', { body: { ...askedByMail, validUntil } });
  expect((await world.doctor()).of('verification')).toEqual([
    { outcome, message: `that of alice@example.com ${message}` },
  ]);
});

test('a verification that an administrator has reset is told', async () => {
  const validUntil = '2027-11-24T11:00:00.000Z';
  world.wellWith([byMail(validUntil)]);
  world.api.on('GET /mailboxes/alice%40example.com/verification', {
    body: { ...askedByMail, isVerified: false, validUntil },
  });
  expect((await world.doctor()).of('verification')[0]!.message).toContain(
    'the server does not accept that of alice@example.com, which was to hold until 2027-11-24',
  );
});

test('a mailbox that a person has to verify is told with the command for it', async () => {
  world.wellWith([unverified]);
  world.api.on('GET /mailboxes/bob%40example.com/verification', { body: { isVerified: false, methods: ['email'] } });
  const { checks } = await world.doctor();
  expect(checks.find(({ name }) => name === 'verification')).toMatchObject({
    outcome: 'fail',
    remedy: `npm run notifier -- watch verify bob@example.com --url ${world.api.url}`,
  });
});

test('a mailbox that the server refuses says nothing of the others, and only so many are asked about', async () => {
  const watches = Array.from({ length: 30 }, (_, index) => ({ ...unverified, mailbox: `m${index}@example.com` }));
  world.wellWith([...watches, alice]);
  for (const { mailbox } of watches) {
    const route = `GET /mailboxes/${encodeURIComponent(mailbox)}/verification`;
    world.api.on(route, { body: { isVerified: false, methods: ['client_id'] } });
  }
  const refusal = problem(502, 'the server refuses to verify this mailbox; ask', { cause: 'verification_refused' });
  world.api.on('GET /mailboxes/m0%40example.com/verification', refusal);
  expect((await world.doctor()).of('verification')).toEqual([
    { outcome: 'ok', message: '21 of 31 mailboxes are verified, or are at their next poll' },
    { outcome: 'fail', message: 'm0@example.com: the server refuses to verify this mailbox; ask' },
    { outcome: 'warn', message: '9 more mailboxes were not asked about' },
  ]);
});

test('a watch that is not listed completely is told with its problem', async () => {
  const problem = { cause: 'timeout', message: 'the server did not answer in time' };
  const health = {
    failingSince: alice.baselineAt,
    failures: 3,
    isAnnounced: true,
    incompleteSince: alice.baselineAt,
    problem,
  };
  world.wellWith([alice, { ...alice, direction: 'received', health }]);
  expect((await world.doctor()).of('last listing')).toEqual([
    { outcome: 'ok', message: '1 of 2 watches were listed completely by their last polls' },
    {
      outcome: 'fail',
      message:
        'what is received by alice@example.com: none is complete since 2026-11-24 10:00:00 UTC: the server did not answer in time',
    },
  ]);
});

test('paused ones, and those that were never listed, are to be looked at', async () => {
  world.wellWith([
    { ...alice, isDisabled: true },
    { ...alice, direction: 'received', baselineAt: undefined },
  ]);
  expect((await world.doctor()).of('last listing')).toMatchObject([{ outcome: 'warn' }, { outcome: 'warn' }]);
});

test('without any, licence and verification cannot be told', async () => {
  world.wellWith([]);
  expect((await world.doctor()).of('licence')).toMatchObject([{ outcome: 'warn' }]);
});

describe('what many have in common is told in one line', () => {
  const names = Array.from({ length: 500 }, (_, index) => `m${String(index).padStart(3, '0')}@example.com`);
  const failing = (cause: string, message: string) => ({
    ...{ failingSince: alice.baselineAt, failures: 3, isAnnounced: true, incompleteSince: alice.baselineAt },
    problem: { cause, message },
  });

  test('500 mailboxes that are not verified: the number, three examples and the remedy', async () => {
    const health = failing('not_verified', 'this mailbox is not verified');
    world.wellWith(names.map((mailbox) => ({ ...unverified, mailbox, baselineAt: undefined, health })));
    for (const mailbox of names) {
      const route = `GET /mailboxes/${encodeURIComponent(mailbox)}/verification`;
      world.api.on(route, { body: { isVerified: false, methods: ['email'] } });
    }
    const { checks, of } = await world.doctor();
    expect(of('verification')).toEqual([
      {
        outcome: 'fail',
        message:
          '500 mailboxes are not verified, and the client id may not verify them by itself; for example m000@example.com, m001@example.com, m002@example.com',
      },
    ]);
    expect(of('last listing')).toEqual([]);
    const { remedy } = checks.find(({ name }) => name === 'verification')!;
    expect(remedy).toContain('have an administrator register the client id');
    expect(remedy).toContain('watch verify MAILBOX');
  });

  test('mailboxes whose client id is registered by now: they are verified at their next poll', async () => {
    const health = failing('not_verified', 'this mailbox is not verified');
    world.wellWith(names.map((mailbox) => ({ ...unverified, mailbox, health })));
    for (const mailbox of names) {
      const route = `GET /mailboxes/${encodeURIComponent(mailbox)}/verification`;
      world.api.on(route, { body: { isVerified: false, methods: ['client_id', 'email'] } });
    }
    expect((await world.doctor()).of('verification')).toEqual([
      { outcome: 'ok', message: '500 of 500 mailboxes are verified, or are at their next poll' },
    ]);
  });

  test('watches that a server failing does not list, whatever it says to each', async () => {
    const problems = [failing('unreachable', 'the server cannot be reached'), failing('timeout', 'no answer')];
    world.wellWith([alice, ...names.map((mailbox, index) => ({ ...alice, mailbox, health: problems[index % 2] }))]);
    expect((await world.doctor()).of('last listing')).toEqual([
      { outcome: 'ok', message: '1 of 501 watches were listed completely by their last polls' },
      {
        outcome: 'fail',
        message:
          '500 watches fail: the server cannot be reached; for example m000@example.com, m001@example.com, m002@example.com',
      },
    ]);
  });
});
