import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import { complaintsAbout } from '#test/support/follow-judgement.ts';
import { expectedNews, type Look } from '#test/support/follow-oracle.ts';
import { followPlan } from '#test/support/follow-steps.ts';
import { type FollowedLives, liveThrough } from '#test/support/followed-life.ts';
import { newMailbox, resetServer, startMailboxWorld, world } from '#test/support/mailbox-world.ts';

/** Lives per run; the long run tries more. */
const runs = Number(process.env.LIVES ?? 8);
/** Milliseconds that a life may take on the slowest of machines: the number of lives is what bounds the search. */
const patience = 60_000;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

beforeAll(startMailboxWorld);

const followedTypes = /^transfer\.(downloaded|downloaded_by_all|overdue|problem|problem_resolved)$/;
const watches = fc.record({
  direction: fc.constantFrom('sent' as const, 'received' as const),
  follow: fc.subarray([...followable], { minLength: 1 }),
  scope: fc.constantFrom('active' as const, 'all' as const),
});

it(`tells exactly what each look at a followed life shows (${runs} lives, SEED=${seed})`, {
  timeout: runs * patience,
}, async () => {
  await fc.assert(
    fc.asyncProperty(followPlan, watches, async (plan, { direction, follow, scope }) => {
      resetServer();
      world.cryptshare.switches.recipientOrder = plan.files === 2 ? 'reversed' : 'as-sent';
      const { watch: plain, people } = newMailbox(0, direction);
      const watch: FollowingWatch = { ...plain, follow };
      const looks = new Map<string, Look[]>();
      const events: TransferEvent[] = [];
      let baselineAt: number | undefined;
      let all: { lives: FollowedLives; ids: readonly string[] } | undefined;
      const look = async (lives: FollowedLives, ids: readonly string[]) => {
        world.clock.advance(1000);
        const at = world.cryptshare.clock.now();
        const isSilent = baselineAt === undefined;
        await world.poll(watch, { scope });
        baselineAt ??= at;
        all = { lives, ids };
        const news = (await world.takeEvents()).map(({ event }) => event as TransferEvent);
        events.push(...news);
        for (const id of ids) {
          const { facts } = lives.life(id).moments.at(-1)!;
          const seen = [...(looks.get(id) ?? []), { at, facts, isSilent }];
          looks.set(id, seen);
          if (!lives.life(id).isClear) continue;
          const told = news.filter(({ type, data }) => data.trackingId === id && followedTypes.test(type));
          const expected = expectedNews(seen, watch).at(-1)!;
          expect(
            told.map(({ type }) => type),
            `${id} ${JSON.stringify(facts)}`,
          ).toEqual(expected.map(({ type }) => type));
        }
      };
      const last = { afterMs: 1000, what: { kind: 'look' as const } };
      await liveThrough(
        { ...plan, steps: [...plan.steps, last] },
        { watch, people },
        world.cryptshare,
        world.clock.advance.bind(world.clock),
        look,
      );
      const { lives, ids } = all!;
      for (const id of ids) {
        const own = events.filter(({ data }) => data.trackingId === id);
        const first = looks.get(id)![0]!;
        const judged = {
          life: lives.life(id),
          silentUntil: first.isSilent ? baselineAt : undefined,
          isSettled: true,
          endsAt: world.cryptshare.clock.now(),
        };
        expect(complaintsAbout(judged, own, watch)).toEqual([]);
      }
    }),
    { numRuns: runs, seed, endOnFailure: true },
  );
});

it(`repeats no fact while clocks jump (${runs} lives, SEED=${seed}) (P26)`, { timeout: runs * patience }, async () => {
  const jumps = fc.array(fc.constantFrom(0, 0, -40, -3, -1, 1, 3, 40), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(followPlan, watches, jumps, async (plan, { direction, follow, scope }, days) => {
      resetServer();
      const { watch, people } = newMailbox(0, direction);
      let looks = 0;
      const look = async () => {
        // The server's clock, and every other time the one here.
        const jump = days[looks % days.length]! * 86_400_000;
        if (looks % 2 === 0) world.cryptshare.switches.clockOffsetMs += jump;
        else world.clock.set(jump);
        looks += 1;
        await world.poll({ ...watch, follow }, { scope });
      };
      await liveThrough(plan, { watch, people }, world.cryptshare, world.clock.advance.bind(world.clock), look);
      const told = (await world.takeEvents()).map(({ event }) => event as TransferEvent);
      for (const events of Map.groupBy(told, ({ data }) => data.trackingId).values()) {
        expect(events.map(({ data }) => data.sequence)).toEqual(events.map((_, index) => index + 1));
        const of = (type: TransferEvent['type']) => events.filter((event) => event.type === type);
        const recipients = of('transfer.downloaded').map(({ data }) => data.recipient);
        expect(new Set(recipients).size).toBe(recipients.length);
        expect(of('transfer.downloaded_by_all').length).toBeLessThanOrEqual(1);
        const ends = of('transfer.overdue').map(({ data }) => data.expiresAt!);
        expect(ends).toEqual([...new Set(ends)].toSorted());
      }
    }),
    { numRuns: runs, seed, endOnFailure: true },
  );
});
