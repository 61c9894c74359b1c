import { addressKey } from '#functions/transfers/address-key.ts';
import type { Method, Problem } from '#functions/transfers/follow.ts';
import { isFinal, type Watch } from '#functions/transfers/transfer.ts';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import type { Recipient, Transfer } from '#infra/simulator/transfer.ts';
import type { FollowHappening, FollowPlan, FollowStep } from './follow-steps.ts';

/** First fetch of a file by a person. */
export interface FirstFetch {
  /** More than one if there are several first fetches. */
  readonly methods: readonly Method[];
  /** Milliseconds since 1970; null if none of the fetches is dated. */
  readonly at: number | null;
}

/** Facts of a transfer at one moment, as far as its watch may see them. */
export interface LiveFacts {
  readonly state: string;
  /** First fetch of each present recipient, by person: a person stays the same whatever address and id they have. */
  readonly persons: ReadonlyMap<string, FirstFetch | null>;
  readonly problems: readonly Problem[];
  /** Milliseconds since 1970, in whole seconds as the server says it; null for no end. */
  readonly expiresAt: number | null;
}

export interface Moment {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Undefined while the watch cannot see its own recipient. */
  readonly facts: LiveFacts | undefined;
}

/** Life of one transfer. */
export interface FollowedLife {
  /** Every moment at which something changed, in order. */
  readonly moments: readonly Moment[];
  /** False once the server's answers leave open who is who, for example after a reused id. */
  readonly isClear: boolean;
}

/** Lives of transfers on a simulated server, as one watch may see them. */
export class FollowedLives {
  private readonly server: Pick<CryptshareServer, 'transfers' | 'clock'>;
  private readonly watch: Watch;
  private readonly lives = new Map<string, { moments: Moment[]; changes: Set<string> }>();
  /** Person by recipient id, for ids that replaced others. */
  private readonly persons = new Map<string, string>();
  private renamed = 0;

  constructor(server: Pick<CryptshareServer, 'transfers' | 'clock'>, watch: Watch) {
    this.server = server;
    this.watch = watch;
  }

  life(trackingId: string): FollowedLife {
    const { moments, changes } = this.lives.get(trackingId) ?? { moments: [], changes: new Set() };
    const isMixed = changes.has('another mail and id') && (changes.has('vanish') || changes.has('return'));
    const hasNewPeople = changes.has('appear') || changes.has('appear with a used id');
    return { moments, isClear: !isMixed && !hasNewPeople };
  }

  /** Records the present facts; call it after each change from elsewhere, such as a new state. */
  record(trackingId: string): void {
    const transfer = this.server.transfers.find(trackingId);
    if (!transfer) return;
    const life = this.lives.get(trackingId) ?? { moments: [], changes: new Set() };
    this.lives.set(trackingId, life);
    life.moments.push({ at: this.server.clock.now(), facts: this.factsOf(transfer) });
  }

  /** Has something happen to an active transfer, and records it; nothing happens to others. */
  happen(trackingId: string, what: FollowHappening): void {
    const transfer = this.server.transfers.find(trackingId);
    if (transfer?.state !== 'ACTIVE') return;
    if (!this.lives.has(trackingId)) this.record(trackingId);
    this.apply(transfer, what);
    this.record(trackingId);
  }

  private apply(transfer: Readonly<Transfer>, what: FollowHappening): void {
    const { transfers, clock } = this.server;
    const { trackingId, recipients, files } = transfer;
    const mail = 'who' in what ? recipients[what.who % recipients.length]!.mail : '';
    switch (what.kind) {
      case 'download': {
        const { method, times, isDated } = what;
        const at = isDated ? undefined : null;
        transfers.download(trackingId, mail, { file: 1 + (what.file % files), method, times, at });
        break;
      }
      case 'move end':
        transfers.moveExpiry(trackingId, what.leftMs === null ? null : new Date(clock.now() + what.leftMs));
        break;
      case 'problems': {
        const has = (one: Problem) => what.problems.includes(one);
        transfers.setProblems(trackingId, {
          recipientsNotNotified: has('recipient_not_notified') ? [mail] : [],
          senderNotNotified: has('sender_not_notified'),
          removedFiles: has('files_removed') ? [files] : [],
          messageNotCreated: has('message_not_created'),
          warnings: has('other') ? ['something else'] : [],
        });
        break;
      }
      case 'recipients':
        this.changeRecipients(transfer, mail, what);
    }
  }

  private changeRecipients(
    { trackingId, recipients, vanished }: Readonly<Transfer>,
    mail: string,
    { change, who: chosen }: Extract<FollowHappening, { kind: 'recipients' }>,
  ): void {
    const { transfers } = this.server;
    const { id } = recipients.find((recipient) => recipient.mail === mail)!;
    // A received watch without itself sees nothing, and a transfer without recipients cannot be.
    if (change === 'vanish' && (recipients.length === 1 || this.isOwn(mail))) return;
    if (change.startsWith('another') && this.isOwn(mail)) return;
    this.renamed += 1;
    const newMail = `person-${this.renamed}@example.net`;
    switch (change) {
      case 'vanish':
        transfers.changeRecipients(trackingId, { kind: 'vanish', mail });
        break;
      case 'return': {
        // Those who only have another address now are present.
        const away = vanished.filter((one) =>
          recipients.every(({ id, downloads }) => id !== one.id && downloads !== one.downloads),
        );
        const back = away[chosen % away.length];
        if (!back) return;
        transfers.changeRecipients(trackingId, { kind: 'return', mail: back.mail });
        break;
      }
      case 'another mail':
        transfers.changeRecipients(trackingId, { kind: 'rename', mail, newMail });
        break;
      case 'another mail and id': {
        transfers.changeRecipients(trackingId, { kind: 'rename', mail, newMail, newId: true });
        const after = transfers.find(trackingId)!.recipients.find((recipient) => recipient.mail === newMail)!;
        this.persons.set(after.id, this.personOf(id));
        break;
      }
      case 'appear':
        transfers.changeRecipients(trackingId, { kind: 'appear', mail: newMail });
        break;
      case 'appear with a used id':
        transfers.changeRecipients(trackingId, { kind: 'appear', mail: newMail, id });
    }
    this.lives.get(trackingId)!.changes.add(change);
  }

  private factsOf({ state, recipients, problems, expiresAt }: Readonly<Transfer>): LiveFacts | undefined {
    const isReceived = this.watch.direction === 'received';
    const seen = isReceived ? recipients.filter(({ mail }) => this.isOwn(mail)) : recipients;
    if (seen.length === 0) return undefined;
    const known: Problem[] = [
      ...(seen.some(({ notificationFailed }) => notificationFailed) ? ['recipient_not_notified' as const] : []),
      ...(problems.senderNotNotified ? ['sender_not_notified' as const] : []),
      ...(problems.removedFiles.length > 0 || state === 'FAILED' ? ['files_removed' as const] : []),
      ...(problems.messageNotCreated ? ['message_not_created' as const] : []),
    ];
    const isWarned = problems.warnings.length > 0;
    return {
      state,
      persons: this.fetchesOf(seen),
      // A warning says nothing new about a transfer whose problems are known.
      problems: known.length === 0 && isWarned ? ['other'] : known,
      expiresAt: expiresAt === null ? null : 1000 * Math.floor(expiresAt / 1000),
    };
  }

  private fetchesOf(recipients: readonly Recipient[]): Map<string, FirstFetch | null> {
    const fetches = new Map<string, FirstFetch | null>();
    for (const recipient of recipients) {
      const person = this.personOf(recipient.id);
      // Two recipients with one id are one person to everyone who asks the server.
      fetches.set(person, firstFetchOf(recipient) ?? fetches.get(person) ?? null);
    }
    return fetches;
  }

  private readonly isOwn = (mail: string): boolean =>
    this.watch.direction === 'received' && addressKey(mail) === addressKey(this.watch.mailbox);

  private readonly personOf = (id: string): string => this.persons.get(id) ?? id;
}

function firstFetchOf({ downloads }: Recipient): FirstFetch | null {
  if (downloads.length === 0) return null;
  const dates = downloads.flatMap(({ at }) => (at === null ? [] : [1000 * Math.floor(at / 1000)]));
  const at = dates.length > 0 ? Math.min(...dates) : null;
  const first = downloads.filter((one) =>
    at === null ? one.at === null : one.at !== null && Math.floor(one.at / 1000) === at / 1000,
  );
  return { methods: [...new Set(first.map(({ method }) => (method === 'VIEWED' ? 'viewed' : 'downloaded')))], at };
}

/** Mailbox whose watch follows, and people who send or receive a transfer of it. */
interface Followed {
  readonly watch: Watch;
  readonly people: { readonly sender: string; readonly to: readonly string[] };
}

/**
 * Lives through a plan on a server.
 *
 * @param advance moves the server's clock by milliseconds
 * @param look called at each look, with the tracking ids of all transfers so far
 */
export async function liveThrough(
  plan: FollowPlan,
  { watch, people }: Followed,
  server: Pick<CryptshareServer, 'transfers' | 'clock'>,
  advance: (ms: number) => void,
  look: (lives: FollowedLives, ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const { transfers } = server;
  const lives = new FollowedLives(server, watch);
  const others = Array.from({ length: plan.others }, (_, index) => `other-${index}@example.net`);
  const wanted = { ...people, cc: others, files: plan.files };
  const seeded = [
    ...transfers.seed({ ...wanted, count: plan.seeded, state: 'ACTIVE' }),
    ...transfers.seed({ ...wanted, count: plan.processing, state: 'PROCESSING' }),
  ];
  const ids = seeded.map(({ trackingId }) => trackingId);
  for (const trackingId of ids) lives.record(trackingId);
  const isLeftOut = (what: FollowStep) => what.kind === 'recipients' && !plan.recipientChanges.includes(what.change);
  for (const { afterMs, what } of plan.steps) {
    advance(afterMs);
    const trackingId = 'pick' in what ? ids[what.pick % ids.length] : undefined;
    if (what.kind === 'look') await look(lives, ids);
    else if (what.kind === 'create') {
      ids.push(transfers.create(wanted).trackingId);
      lives.record(ids.at(-1)!);
    } else if (trackingId === undefined || isLeftOut(what)) continue;
    else if (what.kind !== 'state') lives.happen(trackingId, what);
    else if (!isFinal(transfers.find(trackingId)!.state)) {
      transfers.setState(trackingId, what.state);
      lives.record(trackingId);
    }
  }
}
