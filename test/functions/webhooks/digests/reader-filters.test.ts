import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Digest } from '#functions/notices/digest.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { removeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { examples } from '#test/docs/event-schemas.ts';
import { second } from '#test/support/endpoint-world.ts';
import { startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';
import { mailReader } from './told-once.ts';

const rounds = process.env.EVERY_CALL === '1' ? 200 : 20;
const seed = Number(process.env.SEED ?? randomInt(2 ** 31));

const people = ['anna', 'bert', 'carla', 'müller'];
const mailbox = fc
  .tuple(fc.constantFrom(...people), fc.boolean())
  .map(([name, isLoud]) => (isLoud ? `${name}@example.com`.toUpperCase() : `${name}@example.com`));
const direction = fc.constantFrom('sent' as const, 'received' as const);
const types = [...new Set(examples.map(({ type }) => type))];
const groups = [...new Set(types.map((type) => `${type.split('.')[0]}.*`))].filter((group) => group !== 'notifier.*');

const filter = fc.record({
  types: fc.uniqueArray(fc.constantFrom(...groups, ...types.filter((type) => type !== 'notifier.test')), {
    minLength: 1,
    maxLength: 4,
  }),
  mailboxes: fc.option(fc.array(mailbox, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  directions: fc.option(fc.uniqueArray(direction, { minLength: 1 }), { nil: undefined }),
});
type Filter = typeof filter extends fc.Arbitrary<infer T> ? T : never;

const happening = fc.record({
  example: fc.constantFrom(...examples),
  mailbox,
  direction,
  others: fc.uniqueArray(mailbox, { maxLength: 3 }),
});

interface Happened {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly mailbox?: string; readonly direction?: string };
}

/** What the documents promise: an event without a mailbox or direction passes a filter on it. */
function wants({ types, mailboxes, directions }: Filter, { type, data }: Happened): boolean {
  const isOfType = types.includes(type) || types.includes(`${type.slice(0, type.indexOf('.'))}.*`);
  const mine = mailboxes?.map((one) => one.toLowerCase());
  const isMine = mine === undefined || data.mailbox === undefined || mine.includes(data.mailbox.toLowerCase());
  return isOfType && isMine && (!directions || !data.direction || directions.some((one) => one === data.direction));
}

let world: WebhookWorld;
beforeAll(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test(`tells each event to exactly those readers that want it, and to none the mailbox of another (SEED=${seed})`, async () => {
  let round = 0;
  const search = fc.asyncProperty(
    fc.array(filter, { minLength: 1, maxLength: 4 }),
    fc.array(happening, { minLength: 1, maxLength: 12 }),
    async (filters, happenings) => {
      round += 1;
      const names = filters.map((_, index) => `reader-${round}-${index}`);
      const readers = filters.map(({ mailboxes, directions, types: some }, index) =>
        mailReader(names[index]!, usualReader, {
          types: [...some],
          ...(mailboxes && { mailboxes: [...mailboxes] }),
          ...(directions && { directions: [...directions] }),
        }),
      );
      await declareEndpoints(world.deps, readers);
      const events = happenings.map(({ example, others, ...watch }, index) => {
        const data: Record<string, unknown> = { ...example.event.data };
        for (const key of ['mailbox', 'direction'] as const) if (key in data) data[key] = watch[key];
        if ('examples' in data) data.examples = others;
        if ('trackingId' in data) data.trackingId = `transfer-${round}-${index}`;
        return { ...example.event, id: `evt_${round}x${index}`, data } as unknown as Happened;
      });
      await fanOut(
        world.deps,
        events.map((event) => ({ body: JSON.stringify(event) })),
      );
      world.clock.advance(11 * second);
      await world.sweep();
      await world.answerWakeUps();

      for (const [index, one] of filters.entries()) {
        const name = names[index]!;
        const wanted = events.filter((event) => wants(one, event)).map(({ id }) => id);
        const read = await world.deps.deliveries.read(events.map(({ id }) => ({ event: id, endpoint: name })));
        expect(read.map(({ event }) => event).toSorted()).toEqual(wanted.toSorted());
        const mails = world.mails.filter(({ reader }) => reader === name);
        expect(mails).toHaveLength(wanted.length > 0 ? 1 : 0);
        for (const { id, address, message } of mails) {
          expect(address).toBe(`${name}@example.com`);
          expect(read.every(({ status, digest }) => status === 'COLLECTED' && digest === id)).toBe(true);
          const [digest] = await world.deps.deliveries.read([{ event: id, endpoint: name }]);
          const { told }: Digest = JSON.parse(digest!.body);
          expect(told.map((event) => event.id).toSorted()).toEqual(wanted.toSorted());
          const mine = one.mailboxes?.map((own) => own.toLowerCase());
          const text = JSON.stringify([digest!.body, message]).toLowerCase();
          const foreign = people.filter((person) => mine && !mine.includes(`${person}@example.com`));
          for (const person of foreign) expect(text).not.toContain(`${person}@`);
        }
      }
      for (const name of names) await removeEndpoint(world.deps, name);
      await world.answerWakeUps();
    },
  );
  await fc.assert(search, { numRuns: rounds, seed, endOnFailure: true });
});
