import type { TransferEvent } from '#functions/events/transfer-event.ts';
import type { PollTerms } from '#functions/poll/list-watch.ts';
import type { PollResult } from '#functions/poll/poll-result.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import type { Direction, Watch } from '#functions/transfers/transfer.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { startWorld, type World } from './poll-world.ts';

/** The world of the tests of a file. */
export let world: World;
let mailboxes = 0;

/** Gives the tests of a file a world. */
export async function startMailboxWorld(): Promise<() => Promise<void>> {
  world = await startWorld();
  mailboxes = 0;
  return () => world.close();
}

/** Has the server answer as at its start. A test may take months. */
export function resetServer(): void {
  Object.assign(world.cryptshare.switches, { ...defaultSwitches, idleTermMs: 10 * 365 * 86_400_000 });
  world.cryptshare.faults.clear();
  world.setDrift(() => {});
}

/** A mailbox of one test alone. */
export interface Mailbox {
  readonly watch: Watch;
  /** Sender and recipient of a transfer that the watch lists. */
  readonly people: { readonly sender: string; readonly to: string[] };
  /** Tracking ids of its active transfers. */
  readonly ids: readonly string[];
}

/** A mailbox without a baseline. */
export function newMailbox(active = 0, direction: Direction = 'sent'): Mailbox {
  mailboxes += 1;
  const mailbox = `mailbox-${mailboxes}@example.com`;
  const people =
    direction === 'sent' ? { sender: mailbox, to: ['bob@example.com'] } : { sender: 'bob@example.com', to: [mailbox] };
  const seeded = world.cryptshare.transfers.seed({ ...people, count: active, state: 'ACTIVE' });
  return { watch: world.watch(mailbox, direction), people, ids: seeded.map(({ trackingId }) => trackingId) };
}

/** A mailbox with a baseline of active transfers. */
export async function polledMailbox(active = 0, direction?: Direction): Promise<Mailbox> {
  const mailbox = newMailbox(active, direction);
  await world.poll(mailbox.watch);
  return mailbox;
}

/** A polled mailbox whose watch follows everything, or what is given. */
export async function followedMailbox(active: number, settings: Partial<FollowingWatch> = {}, ended = 0) {
  const { watch, people, ids } = newMailbox(active, settings.direction);
  world.cryptshare.transfers.seed({ ...people, count: ended, state: 'DELETED_BY_ADMIN' });
  const following: FollowingWatch = { ...watch, follow: followable, ...settings };
  await world.poll(following);
  await takeTransferEvents();
  return { watch: following, people, ids };
}

/** Polls a minute later. */
export function pollLater(watch: RegisteredWatch, terms?: Partial<PollTerms>): Promise<PollResult> {
  world.clock.advance(60_000);
  return world.poll(watch, terms);
}

/** Number of requests for single transfers so far. */
export const statusRequests = () =>
  world.cryptshare.requests.report().byRoute['GET /api/users/:email/transfers/:trackingId'] ?? 0;

/** Takes the events about transfers that were published since the last call, repetitions included. */
export const takeTransferEvents = async () =>
  (await world.takeEvents()).map(({ body, event }) => ({ ...(event as TransferEvent), body }));

/** Types and tracking ids of these events. */
export const told = async () => (await takeTransferEvents()).map(({ type, data }) => `${type} ${data.trackingId}`);
