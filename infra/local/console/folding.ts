import type { DeliveryFacts } from '#functions/webhooks/deliveries/settled.ts';
import { remember } from '#infra/bounded/remember.ts';
import type { Announcement } from './announcements.ts';

/** Milliseconds for which the line of a change waits for its deliveries, and a delivery for the line of its change. */
export const holdMs = 2000;

/** The same while more changes than `burst` wait, so that thousands of changes do not wait for each other. */
const holdInBurstMs = 300;
const burst = 20;

/** Milliseconds for which outcomes of one endpoint are gathered into a line. */
const gatherMs = 500;

/** Deliveries of one endpoint that have lines of their own, if they end together; more share one. */
const mostAlone = 3;

/** Changes and open deliveries that are remembered, the latest. */
const mostRemembered = 10_000;

/** Line of a change, with what is known of its deliveries. */
export interface ChangeLine {
  readonly kind: 'change';
  /** Unix time in milliseconds of its arrival. */
  readonly at: number;
  readonly announcement: Announcement;
  /** Outcomes by endpoint, without those that have lines of their own. */
  readonly outcomes: readonly DeliveryFacts[];
  /** Endpoints that want it, of which nothing is known yet. */
  readonly silent: readonly string[];
}

/** Line of deliveries to one endpoint that ended, or began to fail, apart from their changes. */
export interface OutcomesLine {
  readonly kind: 'outcomes';
  /** Unix time in milliseconds of the latest. */
  readonly at: number;
  /** All have the same endpoint and status. */
  readonly outcomes: readonly [DeliveryFacts, ...DeliveryFacts[]];
  /** Their change if it is one delivery, and its change is remembered. */
  readonly about?: Announcement | undefined;
}

export type FoldedLine = ChangeLine | OutcomesLine;

/** A delivery that has no end yet. */
export type OpenDelivery = Pick<DeliveryFacts, 'endpoint' | 'event'> & Partial<DeliveryFacts>;

interface Held {
  readonly announcement: Announcement;
  readonly at: number;
  /** Endpoints that want it. */
  readonly wanting: readonly string[];
  readonly outcomes: Map<string, DeliveryFacts>;
  readonly onShown: () => void;
}

interface Late {
  readonly facts: DeliveryFacts;
  readonly at: number;
  readonly showAt: number;
}

/**
 * Folds deliveries into the lines of their changes. Each change gets one line, in the order of arrival, once its
 * deliveries are known or after a short while. Each end of a delivery appears once: in the line of its change, or in a
 * line of its own. A retry appears when it begins or has another cause.
 */
export class Folding {
  /** Changes and ends of deliveries so far. */
  readonly counts = { changes: 0, delivered: 0, failed: 0 };
  private readonly held = new Map<string, Held>();
  private late: Late[] = [];
  private readonly shown = new Map<string, Announcement>();
  private readonly unfinished = new Map<string, OpenDelivery>();
  /** Deliveries whose ends had lines of their own before their changes came. */
  private readonly ended = new Map<string, true>();

  /** Deliveries that have no end yet, as far as it is known here. */
  get open(): readonly OpenDelivery[] {
    return [...this.unfinished.values()];
  }

  /** @param onShown called when its line is among those that {@link due} returns */
  change(announcement: Announcement, wanting: readonly string[], at: number, onShown: () => void = () => undefined) {
    const { id: event, kind } = announcement;
    this.counts.changes += kind === 'event' ? 1 : 0;
    const outcomes = new Map<string, DeliveryFacts>();
    this.late = this.late.filter(({ facts }) => {
      if (facts.event !== event || outcomes.has(facts.endpoint)) return true;
      outcomes.set(facts.endpoint, facts);
      return false;
    });
    const awaited = wanting.filter((endpoint) => !this.ended.has(keyOf({ event, endpoint })));
    this.held.set(event, { announcement, at, wanting: awaited, outcomes, onShown });
  }

  delivery(facts: DeliveryFacts, at: number): void {
    const { event, endpoint, status } = facts;
    const key = keyOf(facts);
    this.counts.delivered += status === 'DELIVERED' ? 1 : 0;
    this.counts.failed += status === 'FAILED' ? 1 : 0;
    // Its retries do not tell that they go on as before.
    const isAsBefore = isOpen(facts) && causeOf(facts) === causeOf(this.unfinished.get(key));
    if (isOpen(facts)) remember(this.unfinished, key, facts, mostRemembered);
    else this.unfinished.delete(key);
    const held = this.held.get(event);
    if (held && isOpen(held.outcomes.get(endpoint))) held.outcomes.set(endpoint, facts);
    else if (!isAsBefore) {
      // An open outcome that waits for its line is over with the next one.
      this.late = this.late.filter((other) => keyOf(other.facts) !== key || !isOpen(other.facts));
      this.late.push({ facts, at, showAt: at + (this.shown.has(event) ? gatherMs : holdMs) });
    }
  }

  /** Takes the lines that are to be shown now, or with `isLast` all that wait, the oldest first. */
  due(now: number, isLast = false): FoldedLine[] {
    const changes: ChangeLine[] = [];
    for (const [id, held] of this.held) {
      const holds = this.held.size > burst ? holdInBurstMs : holdMs;
      // A clock that was set back must not hold lines.
      const isOver = isLast || Math.abs(now - held.at) >= holds;
      if (!isOver && held.wanting.some((endpoint) => !held.outcomes.has(endpoint))) break;
      this.held.delete(id);
      changes.push(this.lineOf(id, held));
      held.onShown();
    }
    const { due = [], later = [] } = Object.groupBy(this.late, ({ at, showAt }) =>
      isLast || showAt <= now || now < at ? 'due' : 'later',
    );
    this.late = later;
    const groups = Map.groupBy(due, ({ facts }) => `${facts.endpoint} ${facts.status}`);
    const ends = [...groups.values()].flatMap((group) => this.linesOf(group));
    return [...changes, ...ends].sort((a, b) => a.at - b.at);
  }

  /** Forgets the open deliveries of endpoints that are no more. */
  keep(endpoints: ReadonlySet<string>): void {
    for (const [key, { endpoint }] of this.unfinished) if (!endpoints.has(endpoint)) this.unfinished.delete(key);
  }

  private lineOf(event: string, { announcement, at, wanting, outcomes }: Held): ChangeLine {
    // The text of a message is long, and its line is all that shows it.
    remember(
      this.shown,
      event,
      announcement.kind === 'notice' ? { ...announcement, text: '' } : announcement,
      mostRemembered,
    );
    const silent = wanting.filter((endpoint) => !outcomes.has(endpoint));
    for (const endpoint of silent)
      remember(this.unfinished, keyOf({ event, endpoint }), { event, endpoint }, mostRemembered);
    const { alone = [], folded = [] } = Object.groupBy(outcomes.values(), ({ status }) =>
      status === 'FAILED' || status === 'CANCELLED' ? 'alone' : 'folded',
    );
    for (const facts of alone) this.late.push({ facts, at, showAt: at });
    return { kind: 'change', at, announcement, outcomes: folded, silent };
  }

  private linesOf(group: readonly Late[]): OutcomesLine[] {
    for (const { facts } of group)
      if (!isOpen(facts) && !this.shown.has(facts.event)) remember(this.ended, keyOf(facts), true, mostRemembered);
    const lineOf = (some: readonly Late[]): OutcomesLine => {
      const [first, ...others] = some.map(({ facts }) => facts);
      const about = others.length === 0 ? this.shown.get(first!.event) : undefined;
      return { kind: 'outcomes', at: Math.max(...some.map(({ at }) => at)), outcomes: [first!, ...others], about };
    };
    return group.length > mostAlone ? [lineOf(group)] : group.map((one) => lineOf([one]));
  }
}

const keyOf = ({ event, endpoint }: Pick<DeliveryFacts, 'event' | 'endpoint'>): string => `${event} ${endpoint}`;

const isOpen = (facts: DeliveryFacts | undefined): boolean =>
  facts === undefined || facts.status === 'PENDING' || facts.status === 'HELD';

/** Why a delivery has no end; `''` for one that was not attempted yet. */
function causeOf(delivery: OpenDelivery | undefined): string {
  const { status, attempt, reason, failure, code, answer } = delivery ?? {};
  return status === 'HELD' || attempt !== undefined ? [status, reason, failure, code, answer].join(' ') : '';
}
