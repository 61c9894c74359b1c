import type { Digest } from '#functions/notices/digest.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { type Reader, usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { minute, world } from '#test/support/endpoint-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';
import { mailedTo, mailReader } from './told-once.ts';

export const inBerlin: Reader = { ...usualReader, timeZone: 'Europe/Berlin' };
export const daily: Reader = { ...inBerlin, when: 'daily at 07:30' };

/** Declares readers by mail, with their settings. */
export const declare = (...readers: Parameters<typeof mailReader>[]) =>
  declareEndpoints(
    world.deps,
    readers.map((reader) => mailReader(...reader)),
  );

let announced = 0;
/** Announces as many events in a state at this moment. */
export async function announce(count = 1, state = 'FAILED') {
  const timestamp = world.clock.now().toISOString();
  const events = Array.from({ length: count }, () => {
    announced += 1;
    return { ...exampleEvent(`told-${announced}`, 1, state), timestamp };
  });
  await world.fanOut(...events);
  return events;
}

/** Sweeps and answers wake-ups. */
export async function look(): Promise<void> {
  await world.sweep();
  await world.answerWakeUps();
}

/** Lets time pass until an instant, with looks at even intervals and one at its end. */
export async function passUntil(iso: string, everyMs = 30 * minute): Promise<void> {
  const end = Date.parse(iso);
  while (world.now() < end) {
    world.clock.advance(Math.min(everyMs, end - world.now()));
    await look();
  }
}

/** Lets time pass at once, with a look at its end. */
export async function pass(milliseconds: number): Promise<void> {
  world.clock.advance(milliseconds);
  await look();
}

/** The digests mailed to a reader, in their order. */
export async function digestsOf(name: string): Promise<Digest[]> {
  const traces = await Promise.all(mailedTo(world, name).map((id) => world.trace(id)));
  return traces.map(({ deliveries: [delivery] }) => JSON.parse(delivery!.body));
}

/** Number of events in each digest mailed to a reader. */
export const eventsIn = async (name: string): Promise<number[]> => (await digestsOf(name)).map(({ events }) => events);
