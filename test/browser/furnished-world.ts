import { expect, vi } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { alice } from '#test/infra/local/local-world.ts';
import type { ConsoleWorld } from './console-world.ts';

const bob = 'bob@example.org';
const carol = 'carol@example.net';

/** More transfers than a page of a list has. */
const transfers = 120;

/** States that transfers have in the end, one that no document names among them. */
const states = ['FAILED', 'DELETED_BY_SECURITY', 'ACTIVE', 'Quarantined'];

/** Milliseconds for what the notifier does by itself. */
const patience = { timeout: 60_000 };

/**
 * Runs a notifier of which every page has something to show: lists of several pages, watches that work, fail and are
 * paused, webhooks that work, fail, are paused and disabled, a reader with a digest to come, and transfers in many states.
 */
export async function furnish(world: ConsoleWorld): Promise<void> {
  const { server, receiver } = world;
  server.transfers.seed({ sender: alice, to: [bob], count: transfers, state: 'ACTIVE' });
  server.faults.inject({ path: '.net/transfers', times: 1_000_000, answer: { kind: 'response', status: 500 } });
  receiver.answer('archive', 500, 'the archive is full');
  const webhook = (name: string) => ({ name, url: receiver.urlOf(name), retryDelays: ['5s', '1h', '12h'] });
  const started = await world.run({
    config: {
      watches: [
        { mailbox: alice, follow: ['downloads', 'overdue', 'problems'] },
        { mailbox: bob, direction: 'received' },
        { mailbox: carol },
        { mailbox: 'dave@example.com' },
      ],
      notify: { readers: [{ name: 'team', email: 'team@example.com', when: 'hourly' }] },
      webhooks: ['crm', 'archive', 'security', 'ledger'].map(webhook),
    },
  });
  const baselines = () => started.lines.filter(({ outcome }) => outcome === 'baseline');
  await vi.waitFor(() => expect(baselines()).toHaveLength(3), patience);
  await commandIn(world, ['endpoint', 'pause', 'ledger']);
  await commandIn(world, ['watch', 'pause', 'dave@example.com']);
  const made = states.map((state) => {
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob, carol], files: 2 });
    return { trackingId, state };
  });
  const announced = (trackingId: string, state: string) =>
    started.line(
      ({ kind, event }) => kind === 'event' && event!.data.trackingId === trackingId && event!.data.state === state,
    );
  for (const { trackingId } of made) await announced(trackingId, 'PROCESSING');
  for (const { trackingId, state } of made) server.transfers.setState(trackingId, state);
  for (const { trackingId, state } of made) await announced(trackingId, state);
  const arrived = () => new Set(receiver.arrivals.map(({ endpoint }) => endpoint));
  await vi.waitFor(() => expect(arrived()).toEqual(new Set(['crm', 'archive', 'security'])), patience);
  await commandIn(world, ['endpoint', 'disable', 'security', '--because', 'maintenance']);
}

/** Runs a command that has to succeed. @returns its JSON */
export async function commandIn<T>({ local }: ConsoleWorld, command: readonly string[]): Promise<T> {
  const ran = await run([...command, '--json', '--data', local.path('data')], { environment: {} });
  expect(ran, command.join(' ')).toMatchObject({ code: 0 });
  return JSON.parse(ran.stdout || 'null') as T;
}
