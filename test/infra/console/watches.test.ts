import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scopeDue } from '#functions/watches/schedule.ts';
import type { WatchResource } from '#infra/cli/api/resources.ts';
import { nextPollAt } from '#infra/console/pages/watches/watch-words.ts';
import { clientId } from '#test/support/poll-world.ts';
import { type ConsoleWorld, openConsole, startConsoleWorld, textIn } from './console-world.ts';
import { confirm, formIn } from './forms.ts';

let world: ConsoleWorld;
beforeAll(async () => {
  world = await startConsoleWorld({ mayChange: true });
});
afterAll(() => world.close());

const page = async (mailbox: string) =>
  textIn((await world.console.ask(`/watch?direction=sent&mailbox=${mailbox}`)).body);

describe('the pages of a watch', () => {
  const alice = 'alice@example.com';

  it('add it as asked, and say that it has to be verified', async () => {
    const asked = `/watch/add?mailbox=${alice}&direction=sent&every=5m&overdue=1&before=3d&ask=1`;
    const { shown } = await confirm(world.console, asked);
    expect(textIn(shown.body)).toContain(`What ${alice} sends: watched from now on.`);
    expect((await world.ask('GET', `/watches/sent/${alice}`)).body).toMatchObject({
      pollIntervalMs: 300_000,
      follow: ['overdue'],
      overdueBeforeMs: 259_200_000,
    });
  });

  it('refuse to add it twice, and keep the input', async () => {
    const { sent } = await confirm(world.console, `/watch/add?mailbox=${alice}&direction=sent&ask=1`);
    expect(sent.status).toBe(409);
    expect(textIn(sent.body)).toContain('there is such a watch already');
    const edit = /href="(\/watch\/add\?[^"]*)"/.exec(sent.body)![1]!.replaceAll('&amp;', '&');
    expect((await world.console.ask(edit)).body).toMatch(/name="mailbox" value="alice@example.com"/);
  });

  it('ask for a mailbox again when there is none, with all else that was filled in', async () => {
    const { status, body } = await world.console.ask(
      '/watch/add?mailbox=+&direction=received&every=1h&problems=1&ask=1',
    );
    expect([status, formIn(body)]).toEqual([400, undefined]);
    expect(textIn(body)).toContain('Fill in the mailbox');
    for (const kept of [/value="received" selected/, /value="1h" selected/, /name="problems" value="1" checked/])
      expect(body).toMatch(kept);
  });

  it('say why a poll failed, and what to do about it', async () => {
    const { shown } = await confirm(world.console, `/watch/poll?mailbox=${alice}&direction=sent`);
    const text = textIn(shown.body);
    expect(text).toContain('The poll failed: this mailbox is not verified');
    expect(shown.body).toMatch(/<p class="outcome warn"[^>]*>.*The poll failed: <span lang="en">this mailbox/);
    expect(text).toContain('1 poll has failed since');
    expect(text).toContain('verify it by e-mail: npm run notifier -- watch verify MAILBOX');
    expect(text).toContain(`npm run notifier -- watch verify ${alice}`);
    expect(textIn((await world.console.ask('/watches?only=failing')).body)).toContain('1 watch on this page');
  });

  it('verify its mailbox by the code of a mail; a wrong one is kept, with the remedy', async () => {
    const { shown } = await confirm(world.console, `/verification/mail?mailbox=${alice}`);
    expect(textIn(shown.body)).toContain(`A code was mailed to ${alice}. Enter it here.`);
    const wrong = await confirm(world.console, `/verification/code?mailbox=${alice}`, { code: 'wrongwrong' });
    expect(wrong.sent.status).toBe(422);
    expect(textIn(wrong.sent.body)).toContain('enter the code of the latest mail');
    expect(formIn(wrong.sent.body)?.fields.code).toBe('wrongwrong');
    const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
    const right = await confirm(world.console, `/verification/code?mailbox=${alice}`, { code: ` ${code} ` });
    expect(textIn(right.shown.body)).toContain(`${alice} is verified; until:`);
    expect(right.sent.headers.location).not.toContain(code);
    const polled = await confirm(world.console, `/watch/poll?mailbox=${alice}&direction=sent`);
    expect(textIn(polled.shown.body)).toContain('Listed for the first time.');
    expect(textIn(polled.shown.body)).toMatch(/Verification holds by a code in a mail, until: \d/);
  });

  it('say what is wrong with the server, and offer all ways, where the server cannot say', async () => {
    Object.assign(world.cryptshare.switches, { licensed: false });
    const { status, body } = await world.console.ask(`/verification?mailbox=${alice}`);
    Object.assign(world.cryptshare.switches, { licensed: true });
    expect([status, textIn(body).includes('cannot be told')]).toEqual([200, true]);
    expect(textIn(body)).toContain('has no licence for the REST API');
    for (const way of ['client-id', 'mail', 'code']) expect(body).toContain(`/verification/${way}?`);
  });

  it('pause and resume it', async () => {
    const { shown } = await confirm(world.console, `/watch/pause?mailbox=${alice}&direction=sent`);
    expect(textIn(shown.body)).toContain('no longer polled');
    expect((await world.ask('GET', `/watches/sent/${alice}`)).body.isDisabled).toBe(true);
    const twice = await confirm(world.console, `/watch/pause?mailbox=${alice}&direction=sent`);
    expect([twice.sent.status, textIn(twice.sent.body).includes('the watch is disabled already')]).toEqual([409, true]);
    await confirm(world.console, `/watch/resume?mailbox=${alice}&direction=sent`);
    expect((await world.ask('GET', `/watches/sent/${alice}`)).body.isDisabled).toBe(false);
  });

  it('tell interval, next poll, requests, transfers and what it follows', async () => {
    const text = await page(alice);
    expect(text).toContain('Polled every 5m');
    expect(text).toMatch(/Next poll 24 Nov 2026, 00:0\d:\d\d/);
    expect(text).toContain('Requests 1 for a full listing');
    expect(text).toContain('Also tells overdue transfers (3d before the end)');
  });

  it('say that there is no such watch', async () => {
    for (const path of ['/watch?mailbox=none@example.com&direction=sent', '/watch/pause?mailbox=none@example.com']) {
      const { status, body } = await world.console.ask(path);
      expect([path, status]).toEqual([path, 404]);
      expect(textIn(body)).toContain('there is no watch of what none@example.com has sent');
    }
    expect((await world.console.ask('/watch?mailbox=none')).status).toBe(400);
    expect(textIn((await world.console.ask('/watch')).body)).toContain('1 watch on this page');
  });

  it('believe no outcome that this console has not told', async () => {
    const told = { phrase: 'watch.done.pause', values: { watch: 'all' }, at: '2026-11-24T00:00:00.000Z' };
    const said = Buffer.from(JSON.stringify(told)).toString('base64url');
    for (const done of [said, `${said}.`, `${said}.AAAA`, '%00', 'x.y.z'])
      expect((await world.console.ask(`/watch?mailbox=${alice}&done=${done}`)).body).not.toContain('class="outcome');
  });

  it('show the commands instead of the changes where the console only shows', async () => {
    const readOnly = await openConsole(world.api, { now: world.clock.now });
    const { body } = await readOnly.ask(`/watch?mailbox=${alice}&direction=sent`);
    await readOnly.close();
    expect(textIn(body)).toContain(`Pause: npm run notifier -- watch pause ${alice}`);
    expect(body).not.toContain('/watch/pause');
  });
});

describe('the list of watches', () => {
  it('goes through all of them by cursor', async () => {
    const watches = Array.from({ length: 100 }, (_, index) => ({ mailbox: `user${index}@example.com` }));
    await world.ask('POST', '/watches/batch', { body: { watches } });
    const seen: string[] = [];
    const later = await openConsole(world.api, { now: world.clock.now });
    let path: string | undefined = '/watches';
    while (path !== undefined) {
      const { status, body }: { status: number; body: string } = await later.ask(path);
      expect(status).toBe(200);
      seen.push(...[...body.matchAll(/<bdi>([^<]*)<\/bdi>/g)].map(([, mailbox]) => mailbox!));
      path = /href="([^"]*)" rel="next"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
    }
    await later.close();
    expect(seen.toSorted()).toEqual(['alice@example.com', ...watches.map(({ mailbox }) => mailbox)].toSorted());
  });

  it('says what is wrong with a cursor of another list', async () => {
    const { body } = await world.ask('GET', '/watches', { query: { limit: '1' } });
    const { status, body: shown } = await world.console.ask(`/webhooks?cursor=${body.next}`);
    expect(status).toBe(400);
    expect(textIn(shown)).toContain('Begin at the beginning of the list');
  });
});

describe('nextPollAt', () => {
  it('is the first millisecond at which the schedule has the watch due', () => {
    const any = fc.record({
      mailbox: fc.emailAddress(),
      direction: fc.constantFrom('sent' as const, 'received' as const),
      pollIntervalMs: fc.integer({ min: 1000, max: 86_400_000 }),
      isFailing: fc.boolean(),
      now: fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
    });
    fc.assert(
      fc.property(any, ({ mailbox, direction, pollIntervalMs, isFailing, now }) => {
        const problem = { cause: 'timeout', message: '' };
        const health = isFailing ? { problem, failingSince: '', failures: 1, isAnnounced: false } : undefined;
        const watch = { mailbox, direction, pollIntervalMs, health, isDeclared: false, isDisabled: false };
        const next = nextPollAt(watch as WatchResource, now)!;
        const schedule = { shards: 1, pollIntervalMs: 60_000, fullListingEvery: 3 };
        const isDue = (to: number) => scopeDue(watch, schedule, { after: now, to }) !== undefined;
        expect([isDue(next - 1), isDue(next)]).toEqual([false, true]);
      }),
    );
  });

  it('is within the general interval for a watch without its own, and none while paused', () => {
    const general = { generalIntervalMs: 60_000, isDeclared: false, isDisabled: false };
    const watch = { mailbox: 'a@example.com', direction: 'sent', ...general } as const;
    expect(nextPollAt(watch, 0)).toBeLessThanOrEqual(60_000);
    expect(nextPollAt({ ...watch, pollIntervalMs: 1000, isDisabled: true }, 0)).toBeUndefined();
  });
});
