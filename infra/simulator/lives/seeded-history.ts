import { SeededRandom } from '#infra/simulator/random.ts';
import { dayMs } from '#infra/simulator/switches.ts';
import type { Happening } from './history.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** A Monday morning on which lives begin, the same in each run: times are part of what receivers get. */
export const firstMorning = Date.parse('2026-01-05T07:00:00Z');

/** Working hours of those who send, in hours of UTC, on weekdays. */
const [opens, closes] = [7, 17];

/** Mean time between two transfers in working hours. */
const meanGapMs = 70 * minuteMs;

/** A transfer that no one has fetched is near its end by then: within the time in which it is overdue. */
const nearEndMs = 47 * hourMs;

/**
 * The life of one mailbox without an end, in the order of time: the same seed gives the same life. It sends some eight
 * transfers a working day and receives two. Most are fetched; some fail, expire unread, are revoked, or deleted after
 * wrong passwords or by an administrator.
 *
 * @param from Unix milliseconds; the first transfer is sent a minute later
 */
export function* seededHistory(seed: number, from: number): Generator<Happening, never> {
  const random = new SeededRandom(seed);
  const pending: { readonly ms: number; readonly happening: Happening }[] = [];
  let sendsAt = from + minuteMs;
  for (let transfer = 1; ; transfer += 1) {
    while (pending[0] && pending[0].ms <= sendsAt) yield pending.shift()!.happening;
    for (const { ms, ...rest } of lifeOf(random, sendsAt)) {
      const at = new Date(ms).toISOString();
      pending.push({ ms, happening: { ...rest, at, transfer } as Happening });
    }
    pending.sort((one, other) => one.ms - other.ms);
    sendsAt = workingTime(sendsAt + gapOf(random));
  }
}

/** A happening without its transfer, `ms` in Unix milliseconds. */
type Moment = Happening extends infer One
  ? One extends Happening
    ? Omit<One, 'at' | 'transfer'> & { ms: number }
    : never
  : never;

/** Happenings of a transfer that is sent at `sentAt`, in any order. */
function lifeOf(random: SeededRandom, sentAt: number): Moment[] {
  const recipients = 1 + (chance(random, 35) ? 1 + random.below(3) : 0);
  const direction = chance(random, 20) ? 'received' : 'sent';
  const files = 1 + random.below(4);
  const expiresMs = sentAt + (3 + random.below(12)) * dayMs;
  const activeMs = sentAt + between(random, 15 * secondMs, 5 * minuteMs);
  const life: Moment[] = [
    { ms: sentAt, is: 'sent', mailbox: 1, direction, recipients, files },
    { ms: sentAt, is: 'ends', expiresAt: new Date(expiresMs).toISOString() },
  ];
  if (chance(random, 3)) return [...life, { ms: activeMs, is: 'state', state: 'FAILED' }];
  life.push({ ms: activeMs, is: 'state', state: 'ACTIVE' });
  const end = endOf(random, activeMs, expiresMs);
  const isForgotten = chance(random, 12);
  let fetched = 0;
  for (let recipient = 1; recipient <= recipients; recipient += 1) {
    // Most come soon, and some after days.
    const comesMs = activeMs + Math.round(4 * minuteMs * 900 ** (random.below(1000) / 1000));
    if (isForgotten || comesMs >= end.ms || (recipient > 1 && chance(random, 10))) continue;
    const method = chance(random, 15) ? 'VIEWED' : 'DOWNLOADED';
    life.push({ ms: comesMs, is: 'downloaded', recipient, file: 1 + random.below(files), method });
    fetched += 1;
  }
  if (chance(random, 6)) {
    life.push({ ms: activeMs + 2 * minuteMs, is: 'problems', problems: ['recipient_not_notified'] });
    if (chance(random, 60))
      life.push({ ms: activeMs + between(random, 10 * minuteMs, 8 * hourMs), is: 'problems', problems: [] });
  }
  const nearMs = expiresMs - nearEndMs;
  if (fetched < recipients && nearMs > activeMs && nearMs < end.ms)
    life.push({ ms: nearMs, is: 'ends', expiresAt: new Date(expiresMs).toISOString() });
  return [...life.filter(({ ms }) => ms <= end.ms), end, { ms: expiresMs + 20 * dayMs, is: 'unlisted' }];
}

function endOf(random: SeededRandom, activeMs: number, expiresMs: number): Moment {
  const early = between(random, activeMs + 10 * minuteMs, expiresMs - hourMs);
  if (chance(random, 6)) return { ms: early, is: 'state', state: 'DELETED_BY_REVOCATION' };
  if (chance(random, 2)) return { ms: early, is: 'state', state: 'DELETED_BY_SECURITY' };
  if (chance(random, 1)) return { ms: early, is: 'state', state: 'DELETED_BY_ADMIN' };
  return { ms: expiresMs, is: 'state', state: 'DELETED_BY_EXPIRATION' };
}

const chance = (random: SeededRandom, percent: number): boolean => random.below(100) < percent;

const between = (random: SeededRandom, from: number, until: number): number =>
  from + random.below(Math.max(1, Math.floor((until - from) / secondMs))) * secondMs;

/** Milliseconds of working time until the next transfer: an exponential distribution. */
const gapOf = (random: SeededRandom): number =>
  Math.round((-Math.log(1 - random.below(10_000) / 10_000) * meanGapMs) / secondMs) * secondMs;

/** The instant itself, or the same time after the next opening. */
function workingTime(instant: number): number {
  let time = instant;
  const hourOf = () => (time % dayMs) / hourMs;
  const isWeekend = () => [0, 6].includes(new Date(time).getUTCDay());
  if (hourOf() >= closes) time += dayMs - (closes - opens) * hourMs;
  if (hourOf() < opens) time += (opens - hourOf()) * hourMs;
  while (isWeekend()) time += dayMs;
  return Math.round(time / secondMs) * secondMs;
}
