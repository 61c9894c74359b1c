import pLimit from 'p-limit';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { isOfType } from '#functions/events/catalogue.ts';
import { factId } from '#functions/events/event-id.ts';
import { type DigestCount, digestOf, isDigestId, type ToldEvent, textIn } from '#functions/notices/digest.ts';
import { nextDigestAt } from '#functions/notices/timetable.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { type Delivery, isDue, retriesBetween } from '#functions/webhooks/deliveries/delivery.ts';
import type { DigestPlan } from '#functions/webhooks/deliveries/digest-plans.ts';
import { type Endpoint, isWanted } from '#functions/webhooks/endpoints/endpoint.ts';
import { gatherMs, type Reader } from '#functions/webhooks/endpoints/reader.ts';

/** Events in one digest: their ids fit into one row (DynamoDB: 400 KB). */
const mostMembers = 10_000;

/** Milliseconds after which the process that claimed a plan is dead: its invocation is over. */
const busyForMs = 40_000;

/** Rows marked at once. */
const concurrency = 25;

interface Gathering extends DeliverDependencies {
  readonly endpoint: Endpoint;
  readonly reader: Reader;
  readonly named: readonly string[];
  readonly deadline: Deadline;
}

/**
 * Gathers due events into digests, and returns the ids of these. Each event is in exactly one: a conditional write of
 * the plan decides which, and all later writes can be repeated. It finishes the digest that a dead process left.
 * @throws Error at the deadline, so that the queue brings the wake-up again
 */
export async function gather(gathering: Gathering): Promise<string[]> {
  const { plans, endpoint, now, steady, deadline } = gathering;
  const { name, createdAt } = endpoint;
  const digests: string[] = [];
  for (;;) {
    if (steady() >= deadline) throw new Error(`no time was left to gather the events for ${name}`);
    const read = await plans.read(name);
    const at = now().getTime();
    // The process that is at it gathers the other events as well. After a clock was set back, its time is to come.
    if (Math.abs(at - (read.busySince ?? 0)) < busyForMs) return digests;
    if (!read.open && !(await isWorthwhile(gathering, at))) return digests;
    // Claim the plan first: each process that reads thousands of events for nothing would hold up the others.
    const claimed = await plans.replace(name, read, { ...read, busySince: at }, at);
    if (!claimed) continue;
    const next = claimed.open ? undefined : await nextPlan(gathering, claimed, at);
    const plan = next ? await plans.replace(name, claimed, next, at) : claimed;
    if (!plan?.open) return digests;
    // The digest of a reader that was removed is not sent to the next one of that name.
    if (plan.open.endpointSince === createdAt) {
      await tell(gathering, plan.open);
      digests.push(plan.open.id);
    }
    await plans.replace(name, plan, { ...plan, open: undefined, busySince: undefined }, now().getTime());
  }
}

/** True if an event may be due, or the time of a digest without events. */
async function isWorthwhile(gathering: Gathering, now: number): Promise<boolean> {
  const { deliveries, endpoint, reader } = gathering;
  if (reader.evenIfEmpty || (await deliveries.due(endpoint.name, now, 1)).length > 0) return true;
  return (await namedEvents(gathering)).some((delivery) => isDue(delivery, now));
}

/** Deliveries that wake-ups name: the index may not have them yet. */
const namedEvents = ({ deliveries, endpoint, named }: Gathering): Promise<Delivery[]> =>
  deliveries.read(named.filter((event) => !isDigestId(event)).map((event) => ({ event, endpoint: endpoint.name })));

/** Decides on the next digest; without one when nothing is due. */
async function nextPlan(gathering: Gathering, read: DigestPlan, now: number) {
  const { deliveries, endpoint, reader, steady, deadline } = gathering;
  const { name, createdAt } = endpoint;
  // After a delay, a set time may have become a quiet one.
  const quietUntil = nextDigestAt({ ...reader, when: 'at once' }, now);
  const isQuiet = quietUntil > now;
  const due = await dueEvents(gathering, now);
  const isUrgent = ({ event }: (typeof due)[number]) => isOfType(event.type, reader.urgent);
  const members = isQuiet ? due.filter(isUrgent) : due;
  // Left due, they would wake processes all the time, and keep them from what is urgent.
  await pLimit(concurrency).map(isQuiet ? due.filter((one) => !isUrgent(one)) : [], ({ delivery }) => {
    const step = { status: 'PENDING', attempt: delivery.attempt, nextAttemptAt: quietUntil } as const;
    return steady() < deadline ? deliveries.step(delivery, step, now) : undefined;
  });
  // After a clock was set back, the last time lies in the future.
  const toldUntil = Math.min(read.toldUntil ?? Date.parse(createdAt), now);
  const setTime = reader.when === 'at once' ? Number.POSITIVE_INFINITY : nextDigestAt(reader, toldUntil);
  const isSetTime = setTime <= now;
  if (members.length === 0 && !(reader.evenIfEmpty && isSetTime && !isQuiet))
    return { ...read, toldUntil, busySince: undefined };
  const at = new Date(now).toISOString();
  const since = isSetTime ? new Date(toldUntil).toISOString() : members.map(({ event }) => event.timestamp).sort()[0]!;
  // Two set times have passed if nothing was told at the first.
  const isNext = isSetTime && nextDigestAt(reader, setTime) > now;
  const counted: DigestCount[] = JSON.parse((isNext && read.counts) || '[]');
  // The reader may have had other filters then.
  const mine = counted.filter(({ type, ...watch }) => isWanted(endpoint, { types: [type], ...watch }));
  const before = isSetTime && read.counts !== undefined ? mine : undefined;
  const id = factId('dig', name, createdAt, read.rev + 1, now);
  const events = members.map(({ event }) => event);
  const { digest, counts } = digestOf(events, { id, since, until: at, before });
  const ids = members.map(({ delivery }) => delivery.event);
  const open = { id, endpointSince: createdAt, body: JSON.stringify(digest), at, members: ids };
  return { ...read, toldUntil, ...(isSetTime && { toldUntil: now, counts: JSON.stringify(counts) }), open };
}

/** The events to tell now, if one of them is due: with it those that would be due in a moment. */
async function dueEvents(gathering: Gathering, now: number): Promise<{ delivery: Delivery; event: ToldEvent }[]> {
  const { deliveries, steady, deadline } = gathering;
  const { name: endpoint, createdAt, mailboxes } = gathering.endpoint;
  const found = new Map<string, Delivery>();
  const add = (some: readonly Delivery[]) => {
    for (const delivery of some) {
      const { event, status, endpointSince, nextAttemptAt } = delivery;
      const isTold = status === 'PENDING' && endpointSince === createdAt && !isDigestId(event);
      const isSoon = isDue(delivery, now) || nextAttemptAt <= now + gatherMs;
      if (isTold && isSoon && found.size < mostMembers) found.set(event, delivery);
    }
  };
  add(await namedEvents(gathering));
  const soon = [retriesBetween(endpoint, 0, now + gatherMs)];
  for await (const page of deliveries.pages(soon, retryBudget(deadline, steady))) {
    add(page.deliveries);
    if (found.size >= mostMembers || steady() >= deadline) break;
  }
  const all = [...found.values()];
  if (!all.some((delivery) => isDue(delivery, now))) return [];
  return all.map((delivery) => ({ delivery, event: seenBy(mailboxes, eventOf(delivery)) }));
}

/** The event of a delivery. A damaged one, or a notice of an earlier version, has no type and only its explanation. */
function eventOf({ event: id, eventAt: timestamp, body }: Delivery): ToldEvent {
  const { type, headline: message, data = { message } } = Object(jsonOf(body));
  return { id, type: (textIn(type) ?? 'unknown') as ToldEvent['type'], timestamp, data: Object(data) };
}

/** An event that names as examples none but the mailboxes of its reader. */
function seenBy(mailboxes: Endpoint['mailboxes'], event: ToldEvent): ToldEvent {
  const { examples } = event.data;
  if (!mailboxes || !Array.isArray(examples)) return event;
  const own = new Set(mailboxes.map(addressKey));
  return { ...event, data: { ...event.data, examples: examples.filter((one) => own.has(addressKey(`${one}`))) } };
}

/** Creates the delivery of a digest first, which the sweep then finds, and marks its events as told. */
async function tell(gathering: Gathering, { id, body, at, members }: NonNullable<DigestPlan['open']>): Promise<void> {
  const { deliveries, endpoint, now, steady, deadline } = gathering;
  const time = now().getTime();
  await deliveries.create({ id, body, at, kind: 'digest' }, endpoint, time, true, time);
  let open = members.map((event) => ({ event, endpoint: endpoint.name }));
  while (open.length > 0) {
    if (steady() >= deadline) throw new Error(`no time was left to mark the events told to ${endpoint.name}`);
    const untold = (await deliveries.read(open, retryBudget(deadline, steady))).filter(({ digest }) => digest !== id);
    const marked = await pLimit(concurrency).map(untold, (delivery) =>
      steady() < deadline ? deliveries.step(delivery, { status: 'COLLECTED', digest: id }, time) : undefined,
    );
    // Those that have just changed are read again.
    open = untold.filter((_, index) => !marked[index]);
  }
}
