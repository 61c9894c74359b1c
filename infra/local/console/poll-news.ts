import type { WatchPoll } from '#functions/poll/poll-shard.ts';
import { isNewLack, lackOfFacts } from '#functions/poll/report.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { incidentOf } from '#functions/watches/watch-health.ts';

/** A line about polls. */
interface News {
  readonly kind: 'poll' | 'problem' | 'well';
  readonly text: string;
}

export const watchWords = ({ mailbox, direction }: Watch): string => `${direction} by ${mailbox}`;

/**
 * Finds what people want to know of polls: a stored baseline, and problems that begin, change or end. Of the watches
 * that share a problem, it tells only the first to fail and the last to recover.
 */
export class PollNews {
  /** By incident: the watches that fail now, and all that have failed since it began. */
  private readonly problems = new Map<string, { readonly now: Set<string>; readonly ever: Set<string> }>();

  of(poll: WatchPoll): News[] {
    const news: News[] = [];
    const name = watchWords(poll.watch);
    if (poll.outcome === 'baseline')
      news.push({ kind: 'poll', text: `${name}: ${poll.transfers} transfers found and stored as the baseline` });
    if (isNewLack(poll)) news.push({ kind: 'problem', text: `${name}: ${lackOfFacts}` });
    const incident = poll.problem && incidentOf(poll.problem);
    for (const [other, { now, ever }] of this.problems) {
      if (other === incident || !now.delete(name) || now.size > 0) continue;
      this.problems.delete(other);
      const who = ever.size === 1 ? name : `${ever.size} watches`;
      if (!poll.problem) news.push({ kind: 'well', text: `${who}: polls succeed again` });
    }
    if (!incident) return news;
    const known = this.problems.get(incident);
    if (!known) news.push({ kind: 'problem', text: `${name}: ${poll.problem?.message}` });
    const { now, ever } = known ?? { now: new Set(), ever: new Set() };
    this.problems.set(incident, { now: now.add(name), ever: ever.add(name) });
    return news;
  }
}
