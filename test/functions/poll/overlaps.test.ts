import { beforeAll, describe, expect, it } from 'vitest';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { polledMailbox, startMailboxWorld, takeTransferEvents, world } from '#test/support/mailbox-world.ts';

beforeAll(startMailboxWorld);

/** Takes the published states of each transfer, in order, without repetitions. */
async function told(): Promise<Record<string, string[]>> {
  const events = await takeTransferEvents();
  const known = new Map(events.map((event) => [event.id, event]));
  const byTransfer = Object.groupBy(known.values(), ({ data }) => data.trackingId);
  return Object.fromEntries(
    Object.entries(byTransfer).map(([trackingId, list = []]) => [
      trackingId,
      list.toSorted((a, b) => a.data.sequence - b.data.sequence).map(({ data }) => data.state),
    ]),
  );
}

const setState = (trackingId: string, state: string) => world.cryptshare.transfers.setState(trackingId, state);

/** A mailbox with a baseline of two active transfers. */
async function start() {
  const { watch, people, ids } = await polledMailbox(2);
  const [first, second] = ids as [string, string];
  return { watch, people, first, second };
}

/** Begins a poll, and waits until it is paused by its plan. */
async function hold(watch: Parameters<typeof world.poll>[0], plan: FaultPlan) {
  const poll = world.faults.run(plan, () => world.poll(watch));
  await Promise.race([plan.reachedPause, poll]);
  return { poll };
}

describe('pollWatch beside another poll', () => {
  it.each(Array.from({ length: 12 }, (_, call) => call))(
    'announces no step back by the older listing, wherever its poll is held: call %i (P3)',
    async (heldAt) => {
      const { watch, people, first } = await start();
      setState(first, 'Quarantined');
      const { trackingId: created } = world.cryptshare.transfers.create(people);
      const plan = new FaultPlan([[heldAt, 'pause']]);
      const { poll: older } = await hold(watch, plan);
      setState(first, 'DELETED_BY_ADMIN');
      setState(created, 'ACTIVE');
      await world.poll(watch);
      plan.resume();
      await older;
      world.clock.advance(10 * 60_000);
      await world.poll(watch);

      const { [first]: ofFirst = [], [created]: ofCreated = [], ...others } = await told();
      expect([['Quarantined', 'DELETED_BY_ADMIN'], ['DELETED_BY_ADMIN']]).toContainEqual(ofFirst);
      expect([['PROCESSING', 'ACTIVE'], ['ACTIVE']]).toContainEqual(ofCreated);
      expect(others).toEqual({});
    },
  );

  it('discards its listing, without a write or an event, when it loses the claim', async () => {
    const { watch, first } = await start();
    setState(first, 'Quarantined');
    const plan = new FaultPlan([[1, 'pause']]);
    const { poll: older } = await hold(watch, plan);
    setState(first, 'DELETED_BY_ADMIN');
    await world.poll(watch);
    await told();
    plan.resume();

    expect(await older).toMatchObject({ outcome: 'superseded', changed: 0, published: 0 });
    expect(plan.calls).toEqual(['QueryCommand', 'UpdateItemCommand']);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
    expect(await told()).toEqual({});
  });

  it('publishes the commit of a poll that another settled over, though that poll died then (P4)', async () => {
    const { watch, first } = await start();
    setState(first, 'Quarantined');
    const plan = new FaultPlan([
      [3, 'pause'],
      [4, 'crash before'],
    ]);
    const { poll: dying } = await hold(watch, plan);
    // The newer poll sees the state that is published already and has nothing to say.
    setState(first, 'ACTIVE');
    await world.poll(watch);
    plan.resume();
    await dying.catch(() => undefined);
    expect(await told()).toEqual({});

    world.clock.advance(1_000);
    await world.poll(watch);

    expect(await told()).toEqual({ [first]: ['Quarantined', 'ACTIVE'] });
    world.clock.advance(2 * 60_000);
    await world.poll(watch);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  });

  it('settles nothing that the newer poll still has to settle', async () => {
    const { watch, first, second } = await start();
    setState(first, 'FAILED');
    const olderPlan = new FaultPlan([[7, 'pause']]);
    const { poll: older } = await hold(watch, olderPlan);
    setState(second, 'FAILED');
    const newerPlan = new FaultPlan([[4, 'crash before']]);
    await world.faults.run(newerPlan, () => world.poll(watch)).catch(() => undefined);
    olderPlan.resume();
    expect(await older).toMatchObject({ outcome: 'superseded' });
    // The dead poll has committed its change and published nothing. Since then the server has deleted its log.
    world.cryptshare.transfers.purge(second);
    await told();

    await world.poll(watch);

    expect(await told()).toMatchObject({ [second]: ['FAILED'] });
  });

  it('hides no later change by the late digest of a superseded poll', async () => {
    const { watch, first } = await start();
    setState(first, 'Quarantined');
    const olderPlan = new FaultPlan([
      [7, 'pause'],
      [8, 'crash before'],
    ]);
    const { poll: older } = await hold(watch, olderPlan);
    world.clock.advance(30_000);
    setState(first, 'ACTIVE');
    await world.poll(watch);
    world.clock.advance(32_000);
    const readerPlan = new FaultPlan([[1, 'pause']]);
    const { poll: reader } = await hold(watch, readerPlan);
    // The digest lands after the reader has read, and the reader claims when the older poll is over for good.
    olderPlan.resume();
    await older.catch(() => undefined);
    world.clock.advance(4_000);
    readerPlan.resume();
    await reader;
    await told();

    setState(first, 'Quarantined');
    world.clock.advance(60_000);
    await world.poll(watch);

    expect(await told()).toEqual({ [first]: ['Quarantined'] });
  });

  it('finds a commit that failed here and took effect later', async () => {
    const { watch, first } = await start();
    setState(first, 'Quarantined');
    const plan = new FaultPlan([[3, 'late']]);
    await world.faults.run(plan, () => world.poll(watch));
    setState(first, 'ACTIVE');
    world.clock.advance(1_000);
    await world.poll(watch);
    await plan.deliverLate();
    world.clock.advance(1_000);
    await world.poll(watch);

    expect(await told()).toEqual({ [first]: ['Quarantined', 'ACTIVE'] });
  });

  it('compares no snapshot with the listing of another server (P6)', async () => {
    const { watch } = await start();
    const elsewhere = { ...world.deps, origin: 'https://other.example.com' };

    const result = await pollWatch(elsewhere, watch, world.terms());

    expect(result).toMatchObject({ outcome: 'failed', problem: { cause: 'server_changed' }, units: { write: 0 } });
    expect(await told()).toEqual({});
  });
});
