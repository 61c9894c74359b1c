import { onTestFinished } from 'vitest';
import { type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';

export const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

/** A world at noon, with its events and a pull. */
export async function startPullsAtNoon() {
  const world: OperatorWorld = await startOperatorWorld();
  onTestFinished(() => world.close());
  world.clock.advance(12 * hourMs);
  const at = (age = 0) => new Date(world.clock.now().getTime() - age).toISOString();
  let number = 0;
  const eventOf = (age: number, mailbox = 'alice@example.com', state = 'FAILED'): TransferEvent => {
    number += 1;
    const change = { trackingId: `T${number}`, state, previousState: 'ACTIVE', sequence: 1 };
    return transferEvent('https://cryptshare.example.com', { mailbox, direction: 'sent' }, change, at(age));
  };
  /** Stores an event of an age. */
  const store = async (age = 0, mailbox?: string, state?: string) => {
    const event = eventOf(age, mailbox, state);
    await world.fanOut(event);
    return event.id;
  };
  const ask = (query: Record<string, string>) => world.ask('GET', '/events', { query });
  const page = async (query: Record<string, string>) => {
    const { status, body } = await ask(query);
    if (status !== 200) throw new Error(`the pull is answered by ${status}`);
    return { ids: body.items.map(({ id }) => id!), next: body.next };
  };
  /** Pulls what is there from a cursor on, as a client does; remembers the last cursor. */
  const puller = (after: string, filter: Record<string, string> = {}) => {
    let query: Record<string, string> = { after };
    return async (more: Record<string, string> = {}) => {
      const { ids, next } = await page({ ...query, ...filter, ...more });
      query = { cursor: next };
      return ids;
    };
  };
  const removeEndpoint = (name: string) => world.ask('DELETE', `/endpoints/${name}`);
  const addEndpoint = (name: string) => world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name) } });
  return { ...world, request: world.ask, at, eventOf, store, ask, page, puller, addEndpoint, removeEndpoint };
}
