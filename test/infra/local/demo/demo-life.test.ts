import { describe, expect, it, onTestFinished } from 'vitest';
import { usualOverdueBeforeMs } from '#functions/transfers/follow.ts';
import { alice, bob, DemoLife, paceMs } from '#infra/local/demo/demo-life.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import type { Transfer } from '#infra/simulator/transfer.ts';

/** Starts a demo's life on a clock of its own, and lets it go on for some time. */
async function startLife() {
  let now = Date.parse('2030-01-01T12:00:00Z');
  const server = await startCryptshareServer({ now: () => new Date(now) });
  onTestFinished(() => server.close());
  const life = new DemoLife(server);
  const page = { page: 1, pageSize: 100, active: true };
  /** Collects the facts of all active transfers that a watch sees, moment by moment. */
  const liveFor = (ms: number, watch = { mailbox: alice, direction: 'sent' as 'sent' | 'received' }) => {
    const seen = new Set<string>();
    for (const end = now + ms; now < end; now += paceMs) {
      for (const transfer of server.transfers.page(watch, page)) {
        for (const fact of factsOf(transfer, now)) seen.add(`${fact} ${transfer.trackingId}`);
      }
      life.happen();
    }
    return { seen, saw: (fact: string) => [...seen].filter((each) => each.startsWith(`${fact} `)) };
  };
  return { server, liveFor };
}

function factsOf({ recipients, expiresAt }: Readonly<Transfer>, now: number): string[] {
  const fetched = recipients.filter(({ downloads }) => downloads.length > 0).length;
  const isNear = expiresAt !== null && expiresAt - now < usualOverdueBeforeMs;
  const hasProblem = recipients.some(({ notificationFailed }) => notificationFailed);
  return [
    ...(fetched > 0 ? [`fetched-${fetched}-of-${recipients.length}`] : []),
    ...(isNear && fetched < recipients.length ? ['overdue'] : []),
    ...(hasProblem ? ['problem'] : []),
  ];
}

describe('DemoLife', () => {
  it('begins with nothing that is overdue or in trouble', async () => {
    const { liveFor } = await startLife();
    const { saw } = liveFor(paceMs);
    expect([...saw('overdue'), ...saw('problem')]).toEqual([]);
  });

  it('shows downloads, an overdue transfer and a problem that ends within a minute', async () => {
    const { liveFor, server } = await startLife();
    const { saw } = liveFor(60_000);
    expect(saw('fetched-1-of-1').length).toBeGreaterThan(1);
    expect(saw('fetched-1-of-2').length).toBeGreaterThan(0);
    expect(saw('fetched-2-of-2').length).toBeGreaterThan(0);
    const [partly] = saw('fetched-1-of-3').map((fact) => fact.split(' ')[1]);
    expect(saw('overdue')).toContain(`overdue ${partly}`);
    expect(saw('problem').length).toBeGreaterThan(1);
    const ended = saw('problem').filter((fact) => {
      const { recipients } = server.transfers.find(fact.split(' ')[1]!)!;
      return recipients.every(({ notificationFailed }) => !notificationFailed);
    });
    expect(ended.length).toBeGreaterThan(0);
  });

  it('shows a recipient its own downloads within a minute', async () => {
    const { liveFor } = await startLife();
    const { saw } = liveFor(60_000, { mailbox: bob, direction: 'received' });
    expect(saw('fetched-1-of-2').length).toBeGreaterThan(0);
  });

  it('goes on for hours, with ever new overdue transfers and every end', async () => {
    const { liveFor, server } = await startLife();
    const { saw } = liveFor(2 * 3_600_000);
    expect(saw('overdue').length).toBeGreaterThan(50);
    const all = server.transfers.page({ mailbox: alice, direction: 'sent' }, { page: 1, pageSize: 10_000 });
    expect(new Set(all.map(({ state }) => state)).size).toBe(6);
  });
});
