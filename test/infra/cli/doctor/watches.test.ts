import { describe, expect, it } from 'vitest';
import { problem } from '#test/infra/cli/scripted-api.ts';
import { alice, DoctorWorld } from './doctor-world.ts';

const world = await DoctorWorld.start();

const unverified = { ...alice, mailbox: 'bob@example.com', verification: undefined };
const unhealthy = (cause: string, message: string) => ({
  ...{ failingSince: alice.baselineAt, failures: 3, isAnnounced: true, incompleteSince: alice.baselineAt },
  problem: { cause, message },
});

/** Watches one mailbox by a code until a time, and sets whether the server accepts it. */
function byMail(validUntil: string, isVerified = true): void {
  world.isWell({ watches: [{ ...alice, verification: { method: 'email', validUntil } }] });
  world.verification(alice.mailbox, { body: { isVerified, methods: ['email'], method: 'email', validUntil } });
}

/** Has the server say that the mailboxes are not verified, and by what they could be. */
function notVerified(mailboxes: readonly string[], methods: readonly string[]): void {
  for (const mailbox of mailboxes) world.verification(mailbox, { body: { isVerified: false, methods } });
}

const many = Array.from({ length: 500 }, (_, index) => `m${String(index).padStart(3, '0')}@example.com`);

describe('checkMailboxes', () => {
  it.each([
    ['2026-11-24T11:00:00.000Z', 'fail', 'has ended at 2026-11-24 11:00:00 UTC'],
    ['2026-11-29T11:00:00.000Z', 'warn', 'ends at 2026-11-29 11:00:00 UTC'],
  ])('judges a verification by mail until %s: %s', async (validUntil, outcome, message) => {
    byMail(validUntil);
    expect((await world.doctor()).of('verification')).toMatchObject([
      { outcome, message: `that of alice@example.com ${message}` },
    ]);
  });

  it('reports a verification that an administrator has reset', async () => {
    byMail('2027-11-24T11:00:00.000Z', false);
    expect((await world.doctor()).of('verification')[0]!.message).toContain(
      'the server does not accept that of alice@example.com, which was to hold until 2027-11-24',
    );
  });

  it('recommends the command that verifies a single mailbox', async () => {
    world.isWell({ watches: [unverified] });
    notVerified(['bob@example.com'], ['email']);
    expect((await world.doctor()).of('verification')).toMatchObject([
      { outcome: 'fail', remedy: `npm run notifier -- watch verify bob@example.com --url ${world.api.url}` },
    ]);
  });

  it('asks about 20 mailboxes at most, also after the server has refused one', async () => {
    const mailboxes = many.slice(0, 30);
    world.isWell({ watches: [...mailboxes.map((mailbox) => ({ ...unverified, mailbox })), alice] });
    notVerified(mailboxes, ['client_id']);
    const refusal = 'the server refuses to verify this mailbox; ask';
    world.verification(mailboxes[0]!, problem(502, refusal, { cause: 'verification_refused' }));
    expect((await world.doctor()).of('verification')).toMatchObject([
      { outcome: 'ok', message: '21 of 31 mailboxes are verified, or are at their next poll' },
      { outcome: 'fail', message: `m000@example.com: ${refusal}` },
      { outcome: 'warn', message: '9 more mailboxes were not asked about' },
    ]);
  });

  it('reports 500 mailboxes that are not verified as one check with three examples and the remedy', async () => {
    const health = unhealthy('not_verified', 'this mailbox is not verified');
    world.isWell({ watches: many.map((mailbox) => ({ ...unverified, mailbox, baselineAt: undefined, health })) });
    notVerified(many, ['email']);
    const { of } = await world.doctor();
    expect(of('verification')).toMatchObject([
      {
        outcome: 'fail',
        message:
          '500 mailboxes are not verified, and the client id may not verify them by itself; for example m000@example.com, m001@example.com, m002@example.com',
        remedy: expect.stringMatching(/have an administrator register the client id.*watch verify MAILBOX/),
      },
    ]);
    expect(of('last listing')).toEqual([]);
  });

  it('counts mailboxes as verified once the client id is registered', async () => {
    const health = unhealthy('not_verified', 'this mailbox is not verified');
    world.isWell({ watches: many.map((mailbox) => ({ ...unverified, mailbox, health })) });
    notVerified(many, ['client_id', 'email']);
    expect((await world.doctor()).of('verification')).toMatchObject([
      { outcome: 'ok', message: '500 of 500 mailboxes are verified, or are at their next poll' },
    ]);
  });

  it('warns that nothing can be told without a watch', async () => {
    world.isWell({ watches: [] });
    expect((await world.doctor()).of('licence')).toMatchObject([{ outcome: 'warn' }]);
  });

  it('warns that nothing is watched, and names the command that adds a watch', async () => {
    world.isWell({ watches: [] });
    const { code, of } = await world.doctor();
    expect(of('watches')).toMatchObject([
      {
        outcome: 'warn',
        message: 'nothing is watched, so nothing is announced',
        remedy: expect.stringContaining('watch add MAILBOX'),
      },
    ]);
    expect([code, of('last listing')]).toEqual([0, []]);
  });
});

describe('checkListings', () => {
  it('fails for a watch that is not listed completely, with its problem', async () => {
    const health = unhealthy('timeout', 'the server did not answer in time');
    world.isWell({ watches: [alice, { ...alice, direction: 'received', health }] });
    expect((await world.doctor()).of('last listing')).toMatchObject([
      { outcome: 'ok', message: '1 of 2 watches were listed completely by their last polls' },
      {
        outcome: 'fail',
        message:
          'what is received by alice@example.com: none is complete since 2026-11-24 10:00:00 UTC: the server did not answer in time',
      },
    ]);
  });

  it('warns of paused watches, and of those that were never listed', async () => {
    world.isWell({
      watches: [
        { ...alice, isDisabled: true },
        { ...alice, direction: 'received', baselineAt: undefined },
      ],
    });
    expect((await world.doctor()).of('last listing')).toMatchObject([{ outcome: 'warn' }, { outcome: 'warn' }]);
  });

  it('reports an outage of the server as one check, though its problems differ', async () => {
    const problems = [unhealthy('unreachable', 'the server cannot be reached'), unhealthy('timeout', 'no answer')];
    const watches = many.map((mailbox, index) => ({ ...alice, mailbox, health: problems[index % 2] }));
    world.isWell({ watches: [alice, ...watches] });
    expect((await world.doctor()).of('last listing')).toMatchObject([
      { outcome: 'ok', message: '1 of 501 watches were listed completely by their last polls' },
      {
        outcome: 'fail',
        message:
          '500 watches fail: the server cannot be reached; for example m000@example.com, m001@example.com, m002@example.com',
      },
    ]);
  });
});
