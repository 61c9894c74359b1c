import pLimit from 'p-limit';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { isOfType } from '#functions/events/catalogue.ts';
import { factId } from '#functions/events/event-id.ts';
import { digestOf, isDigestId, type ToldEvent } from '#functions/notices/digest.ts';
import { nextDigestAt } from '#functions/notices/timetable.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { type Delivery, isDue } from '#functions/webhooks/deliveries/delivery.ts';
import { retriesBetween } from '#functions/webhooks/deliveries/delivery-index.ts';
import type { DigestPlan } from '#functions/webhooks/deliveries/digest-plans.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { gatherMs, type Reader } from '#functions/webhooks/endpoints/reader.ts';

/** Events in one digest: their ids fit into one row (DynamoDB: 400 KB). */
const mostMembers = 10_000;

/** Milliseconds after which the process that opened a digest is dead: its invocation is over. */
const openForMs = 40_000;

/** Rows marked at once. */
const concurrency = 25;

/**
 * Gathers the due events of a reader into digests, and returns the ids of the digests. Each event is in exactly one: a
 * conditional write of the plan decides which, and whatever comes next can be repeated. First it finishes the digest
 * that another process left.
 *
 * @param named ids of events that wake-ups name: the index may not have them yet
 * @throws Error at the deadline, so that the queue brings the wake-up again
 */
export async function gather(
  deps: DeliverDependencies,
  endpoint: Endpoint,
  reader: Reader,
  named: readonly string[],
  deadline: Deadline,
): Promise<string[]> {
  const digests: string[] = [];
  for (;;) {
    if (deps.steady() >= deadline) throw new Error(`no time was left to gather the events for ${endpoint.name}`);
    const read = await deps.plans.read(endpoint.name);
    // The process that works at it gathers the other events as well. After a clock was set back, `at` is in the future.
    if (read.open && Math.abs(deps.now().getTime() - Date.parse(read.open.at)) < openForMs) return digests;
    const plan = read.open ? read : await nextPlan(deps, endpoint, reader, read, named, deadline);
    if (!plan) return digests;
    const { open } = plan === 'lost' ? {} : plan;
    if (plan === 'lost' || !open) continue;
    // The digest of a reader that was removed is not sent to the next one of that name.
    if (open.endpointSince === endpoint.createdAt) {
      await tell(deps, endpoint.name, open, deadline);
      digests.push(open.id);
    }
    await deps.plans.replace(endpoint.name, plan, { ...plan, open: undefined }, deps.now().getTime());
  }
}

/** Decides on the next digest; undefined when nothing is due, `'lost'` when another process was faster. */
async function nextPlan(
  deps: DeliverDependencies,
  endpoint: Endpoint,
  reader: Reader,
  read: DigestPlan,
  named: readonly string[],
  deadline: Deadline,
): Promise<DigestPlan | 'lost' | undefined> {
  const { name, createdAt } = endpoint;
  const now = deps.now().getTime();
  // After a delay, a set time may have become a quiet one.
  const isQuiet = nextDigestAt({ ...reader, when: 'at once' }, now) > now;
  const due = await dueEvents(deps, endpoint, named, now, deadline);
  const members = isQuiet ? due.filter(({ event }) => isOfType(event.type, reader.urgent)) : due;
  // After a clock was set back, the last time lies in the future.
  const toldUntil = Math.min(read.toldUntil ?? Date.parse(createdAt), now);
  const setTime = reader.when === 'at once' ? Number.POSITIVE_INFINITY : nextDigestAt(reader, toldUntil);
  const isSetTime = setTime <= now;
  if (members.length === 0 && !(reader.evenIfEmpty && isSetTime && !isQuiet)) return undefined;
  const at = new Date(now).toISOString();
  const since = isSetTime ? new Date(toldUntil).toISOString() : members.map(({ event }) => event.timestamp).sort()[0]!;
  // Two set times have passed if nothing was told at the first.
  const isNext = isSetTime && nextDigestAt(reader, setTime) > now;
  const before = isSetTime && read.counts !== undefined ? JSON.parse(isNext ? read.counts : '[]') : undefined;
  const id = factId('dig', name, createdAt, read.rev + 1, now);
  const events = members.map(({ event }) => event);
  const { digest, counts } = digestOf(events, { id, since, until: at, before });
  const ids = members.map(({ delivery }) => delivery.event);
  const open = { id, endpointSince: createdAt, body: JSON.stringify(digest), at, members: ids };
  const told = isSetTime ? { toldUntil: now, counts: JSON.stringify(counts) } : {};
  return (await deps.plans.replace(name, read, { ...read, ...told, open }, now)) ?? 'lost';
}

/** The events to tell now, if one of them is due: with it those that would be due in a moment. */
async function dueEvents(
  { deliveries, steady }: DeliverDependencies,
  { name: endpoint, createdAt, mailboxes }: Endpoint,
  named: readonly string[],
  now: number,
  deadline: Deadline,
): Promise<{ delivery: Delivery; event: ToldEvent }[]> {
  const found = new Map<string, Delivery>();
  const add = (some: readonly Delivery[]) => {
    for (const delivery of some) {
      const { event, status, endpointSince, nextAttemptAt } = delivery;
      const isTold = status === 'PENDING' && endpointSince === createdAt && !isDigestId(event);
      const isSoon = isDue(delivery, now) || nextAttemptAt <= now + gatherMs;
      if (isTold && isSoon && found.size < mostMembers) found.set(event, delivery);
    }
  };
  add(await deliveries.read(named.filter((event) => !isDigestId(event)).map((event) => ({ event, endpoint }))));
  const soon = [retriesBetween(endpoint, 0, now + gatherMs)];
  for await (const page of deliveries.pages(soon, retryBudget(deadline, steady))) {
    add(page.deliveries);
    if (found.size >= mostMembers || steady() >= deadline) break;
  }
  const all = [...found.values()];
  if (!all.some((delivery) => isDue(delivery, now))) return [];
  return all.map((delivery) => ({ delivery, event: seenBy(mailboxes, JSON.parse(delivery.body)) }));
}

/** An event that names as examples none but the mailboxes of its reader. */
function seenBy(mailboxes: Endpoint['mailboxes'], event: ToldEvent): ToldEvent {
  const { examples } = event.data;
  if (!mailboxes || !Array.isArray(examples)) return event;
  const own = new Set(mailboxes.map(addressKey));
  return { ...event, data: { ...event.data, examples: examples.filter((one) => own.has(addressKey(`${one}`))) } };
}

/** Creates the delivery of a digest first, which the sweep then finds, and marks its events as told. */
async function tell(
  { deliveries, now, steady }: DeliverDependencies,
  endpoint: string,
  { id, endpointSince, body, at, members }: NonNullable<DigestPlan['open']>,
  deadline: Deadline,
): Promise<void> {
  const time = now().getTime();
  const reader = { name: endpoint, createdAt: endpointSince };
  await deliveries.create({ id, body, at, kind: 'digest' }, reader, time, true, time);
  let open = members.map((event) => ({ event, endpoint }));
  while (open.length > 0) {
    if (steady() >= deadline) throw new Error(`no time was left to mark the events told to ${endpoint}`);
    const untold = (await deliveries.read(open, retryBudget(deadline, steady))).filter(({ digest }) => digest !== id);
    const marked = await pLimit(concurrency).map(
      untold,
      async (delivery) => steady() < deadline && deliveries.step(delivery, { status: 'COLLECTED', digest: id }, time),
    );
    // Those that have just changed are read again.
    open = untold.filter((_, index) => !marked[index]);
  }
}
