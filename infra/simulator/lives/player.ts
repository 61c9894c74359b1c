import type { Problem } from '#functions/transfers/follow.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { remember } from '#infra/bounded/remember.ts';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import { mostPurged, TransferError } from '#infra/simulator/transfers.ts';
import type { Happening } from './history.ts';

/** Mailboxes of a history, by number from 1; any further one is `mailbox-N@example.com`. */
const names = ['alice', 'bob', 'carol', 'dave', 'erin'];

/** @example mailboxOf(1) // 'alice@example.com' */
export const mailboxOf = (number: number): string => `${names[number - 1] ?? `mailbox-${number}`}@example.com`;

/** The watches of a history, each once. */
export function watchesOf(history: readonly Happening[]): Watch[] {
  const sent = history.filter((happening) => happening.is === 'sent');
  const watches = sent.map(({ mailbox, direction }) => ({ mailbox: mailboxOf(mailbox), direction }));
  return [...new Map(watches.map((watch) => [watchKey(watch), watch])).values()];
}

/** @example recipientOf(2) // 'recipient-2@example.org' */
const recipientOf = (number: number): string => `recipient-${number}@example.org`;

/** Has the happenings of a history take place on a simulated server. */
export class HistoryPlayer {
  private readonly server: Pick<CryptshareServer, 'transfers' | 'clock'>;
  private readonly happenings: Iterator<Happening, unknown>;
  private readonly played = new Map<number, { readonly trackingId: string; readonly mails: readonly string[] }>();
  /** Numbers of those that the server lists no more. It forgets the same ones. */
  private readonly unlisted = new Map<number, true>();
  private next: Happening | undefined;

  constructor(server: Pick<CryptshareServer, 'transfers' | 'clock'>, history: Iterable<Happening>) {
    this.server = server;
    this.happenings = history[Symbol.iterator]();
    this.advance();
  }

  /** Time of the next happening in Unix milliseconds; undefined at the end of the history. */
  get nextAt(): number | undefined {
    return this.next && Date.parse(this.next.at);
  }

  /**
   * Has the next happening take place now, by the server's clock, and tells what it was. One that is impossible, such as
   * a change of a final state, is left out, and the answer is undefined.
   */
  play(): Happening['is'] | undefined {
    const { next } = this;
    if (!next) return undefined;
    this.advance();
    try {
      this.apply(next);
      return next.is;
    } catch (error) {
      if (error instanceof TransferError) return undefined;
      throw error;
    }
  }

  private advance(): void {
    const { done, value } = this.happenings.next();
    this.next = done ? undefined : (value as Happening);
  }

  private apply(happening: Happening): void {
    const { transfers, clock } = this.server;
    if (happening.is === 'sent') {
      this.played.set(happening.transfer, this.send(happening));
      return;
    }
    const played = this.played.get(happening.transfer);
    if (!played) throw new TransferError(404, `transfer ${happening.transfer} was unlisted too long ago to change`);
    const { trackingId, mails } = played;
    switch (happening.is) {
      case 'state':
        transfers.setState(trackingId, happening.state);
        break;
      case 'downloaded': {
        const { recipient, file, method } = happening;
        const mail = mails[(recipient - 1) % mails.length]!;
        transfers.download(trackingId, mail, { file: Math.min(file, transfers.find(trackingId)?.files ?? 1), method });
        break;
      }
      case 'problems':
        transfers.setProblems(trackingId, problemsOf(happening.problems, mails));
        break;
      case 'ends': {
        // The time that is left, as the server's clock may run slower than the history.
        const leftMs = Date.parse(happening.expiresAt) - Date.parse(happening.at);
        transfers.moveExpiry(trackingId, new Date(clock.now() + leftMs));
        break;
      }
      case 'unlisted': {
        const forgotten = remember(this.unlisted, happening.transfer, true, mostPurged);
        if (forgotten !== undefined) this.played.delete(forgotten);
        transfers.purge(trackingId);
        break;
      }
      case 'listed':
        transfers.restore(trackingId);
        this.unlisted.delete(happening.transfer);
    }
  }

  private send({ mailbox, direction, recipients, files }: Extract<Happening, { is: 'sent' }>) {
    const own = mailboxOf(mailbox);
    const others = Array.from({ length: recipients }, (_, index) => recipientOf(index + 1));
    const mails = direction === 'sent' ? others : [own, ...others.slice(1)];
    const sender = direction === 'sent' ? own : 'partner@example.net';
    const { trackingId } = this.server.transfers.create({ sender, to: [mails[0]!, ...mails.slice(1)], files });
    return { trackingId, mails };
  }
}

/** Problems as the server has them: the last recipient is the one that is not notified. */
export function problemsOf(problems: readonly Problem[], mails: readonly string[]) {
  const has = (problem: Problem) => problems.includes(problem);
  return {
    recipientsNotNotified: has('recipient_not_notified') ? mails.slice(-1) : [],
    senderNotNotified: has('sender_not_notified'),
    messageNotCreated: has('message_not_created'),
    removedFiles: has('files_removed') ? [1] : [],
    warnings: has('other') ? ['SIMULATED'] : [],
  };
}
