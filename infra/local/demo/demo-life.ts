import { usualOverdueBeforeMs } from '#functions/transfers/follow.ts';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import type { Transfer } from '#infra/simulator/transfer.ts';

export const alice = 'alice@example.com';
export const bob = 'bob@example.org';
const carol = 'carol@example.net';
const erin = 'erin@example.net';

/** Milliseconds between two happenings. */
export const paceMs = 1500;

/** Final states of transfers; expiration is twice as frequent. */
const ends = [
  'DELETED_BY_EXPIRATION',
  'DELETED_BY_EXPIRATION',
  'DELETED_BY_REVOCATION',
  'DELETED_BY_SECURITY',
  'DELETED_BY_ADMIN',
] as const;

/** Happenings of one round, each at a moment of its own. */
const round = ['create', 'process', 'download', 'trouble', 'end'] as const;

/** The first overdue transfer has this long until then: later than the baseline, within the demo's first minute. */
const untilOverdueMs = 15_000;

/** Active transfers below which none ends, and transfers with a near end beyond which the oldest of them expires. */
const leastActive = 20;
const mostForgotten = 3;

/** Rounds between two transfers whose end moves near. */
const roundsPerDeadline = 8;

/** Recipients who have fetched nothing. */
const waiting = ({ recipients }: Transfer) => recipients.filter(({ downloads }) => downloads.length === 0);

/** Lives of the demo's transfers, which go on by one happening at each moment. */
export class DemoLife {
  private readonly server: Pick<CryptshareServer, 'transfers' | 'clock'>;
  private moment = 0;
  /** Tracking ids of transfers that wait in vain for a recipient. */
  private readonly forgotten = new Set<string>();
  private troubled: string | undefined;

  constructor(server: Pick<CryptshareServer, 'transfers' | 'clock'>) {
    this.server = server;
    const { transfers } = server;
    transfers.seed({ sender: alice, to: [carol], count: 40, state: 'ACTIVE' });
    transfers.seed({ sender: 'dave@example.net', to: [bob], count: 5, state: 'DELETED_BY_EXPIRATION' });
    const people = { sender: alice, to: [carol, 'dave@example.net'], cc: [erin], files: 3 };
    for (const { trackingId } of transfers.seed({ ...people, count: 1, state: 'ACTIVE' })) {
      transfers.download(trackingId, carol, { file: 2 });
      this.forget(trackingId, usualOverdueBeforeMs + untilOverdueMs);
    }
  }

  /** Has the next thing happen. */
  happen(): void {
    const { transfers } = this.server;
    const rounds = Math.floor(this.moment / round.length);
    const newest = (filter: { active?: boolean }) =>
      transfers.page({ mailbox: alice, direction: 'sent' }, { page: 1, pageSize: 100, ...filter });
    const active = newest({ active: true }).filter(({ trackingId }) => !this.forgotten.has(trackingId));
    switch (round[this.moment % round.length]) {
      case 'create':
        transfers.create({ sender: alice, ...(rounds % 2 ? { to: [carol] } : { to: [bob], cc: [erin], files: 2 }) });
        break;
      case 'process': {
        const processing = newest({})
          .filter(({ state }) => state === 'PROCESSING')
          .at(-1);
        if (processing) transfers.setState(processing.trackingId, rounds % 7 === 6 ? 'FAILED' : 'ACTIVE');
        break;
      }
      case 'download':
        this.download(active, rounds % 3 === 2 ? 'VIEWED' : 'DOWNLOADED');
        break;
      case 'trouble':
        this.trouble(active[0]);
        if (rounds % roundsPerDeadline === roundsPerDeadline - 1) {
          const open = active.find((transfer) => waiting(transfer).length > 0);
          if (open) this.forget(open.trackingId, usualOverdueBeforeMs - 7 * 3_600_000);
        }
        break;
      case 'end':
        this.end(active, ends[rounds % ends.length]!);
    }
    this.moment += 1;
  }

  private end(active: readonly Transfer[], state: string): void {
    const [expiring] = this.forgotten;
    if (expiring !== undefined && this.forgotten.size > mostForgotten) {
      this.forgotten.delete(expiring);
      this.server.transfers.setState(expiring, 'DELETED_BY_EXPIRATION');
    } else if (active.length > leastActive) this.server.transfers.setState(active.at(-1)!.trackingId, state);
  }

  /** Moves the end of a transfer near, and leaves it to its recipients, who do not come. */
  private forget(trackingId: string, leftMs: number): void {
    this.forgotten.add(trackingId);
    this.server.transfers.moveExpiry(trackingId, new Date(this.server.clock.now() + leftMs));
  }

  /** Lets one more recipient fetch a file: of a transfer that others have fetched, otherwise of the newest one. */
  private download(active: readonly Transfer[], method: string): void {
    const open = active.filter((transfer) => waiting(transfer).length > 0);
    const next = open.find((transfer) => waiting(transfer).length < transfer.recipients.length) ?? open[0];
    if (next) this.server.transfers.download(next.trackingId, waiting(next)[0]!.mail, { method });
  }

  /** Ends the present trouble, or begins another: the notification does not reach a recipient, who fetches nothing. */
  private trouble(newest: Transfer | undefined): void {
    const { transfers } = this.server;
    if (this.troubled !== undefined) {
      transfers.setProblems(this.troubled, {});
      this.troubled = undefined;
    } else if (newest) {
      this.troubled = newest.trackingId;
      const { mail } = waiting(newest).at(-1) ?? newest.recipients.at(-1)!;
      transfers.setProblems(newest.trackingId, { recipientsNotNotified: [mail] });
    }
  }
}
