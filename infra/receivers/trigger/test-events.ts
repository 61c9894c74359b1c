import { createHash } from 'node:crypto';
import type { EventType } from '#functions/events/catalogue.ts';
import { eventTypeOf } from '#functions/events/transfer-event.ts';
import { address } from '#functions/transfers/mailbox-address.ts';
import { isTrackingId, knownStates } from '#functions/transfers/transfer.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { testIdPrefix } from '#infra/receivers/test-id.ts';
import { SeededRandom } from '#infra/simulator/random.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';

export interface TestEvents {
  readonly type: EventType;
  readonly trackingId?: string;
  readonly mailbox?: string;
  /** State of a transfer, where the type leaves it open. */
  readonly state?: string;
  readonly times: number;
  readonly isOutOfOrder: boolean;
  readonly seed: number;
  /** Time of the first event; each further one is a second later. */
  readonly at: Date;
}

/** Types whose events tell of a transfer in any state. */
const openStates: readonly EventType[] = ['transfer.state_changed', 'transfer.unlisted', 'transfer.listed_again'];

/**
 * Events of one type about one transfer, watch or endpoint, in the order of sending. Those about a transfer have the
 * sequences from 1. @throws CliError for a state that the type does not have, and for a wrong id or mailbox
 */
export function testEvents({ type, trackingId, mailbox, state, times, isOutOfOrder, seed, at }: TestEvents) {
  const example = exampleEvent(type);
  if (state !== undefined && !isStateOf(type, state)) throw wrongState(type, state);
  if (trackingId !== undefined && !isTrackingId(trackingId)) {
    throw wrongCommandLine('expected 1 to 200 printable ASCII characters without a blank after --tracking-id');
  }
  if (mailbox !== undefined && !address.safeParse(mailbox).success) {
    throw wrongCommandLine(`got the mailbox ${mailbox}, expected an address such as alice@example.com`);
  }
  const random = new SeededRandom(seed);
  const about = trackingId ?? `TEST-${random.alphanumerics(8)}`;
  const events = Array.from({ length: times }, (_, index): EventResource => {
    const data: Record<string, unknown> = { ...example.data, ...(state !== undefined && { state }) };
    if ('trackingId' in data) Object.assign(data, { trackingId: about, sequence: index + 1 });
    if (tellsState(type)) data.previousState = previousState(type, index);
    if ('mailbox' in data && mailbox !== undefined) data.mailbox = mailbox;
    const timestamp = new Date(at.getTime() + 1000 * index).toISOString();
    return { id: idOf(type, seed, about, index), type, timestamp, data };
  });
  return isOutOfOrder ? shuffled(events, random) : events;
}

/** True for a type that tells a new state, of which a transfer that was not known before has no previous one. */
const tellsState = (type: EventType): boolean =>
  type === 'transfer.state_changed' || knownStates.some((state) => eventTypeOf(state) === type);

function previousState(type: EventType, index: number): string | null {
  if (index === 0) return null;
  return type === 'transfer.active' ? 'PROCESSING' : 'ACTIVE';
}

/** An id in the form of all events, which says that it is a test. */
function idOf(...fact: readonly (string | number)[]): string {
  const digits = BigInt(`0x${createHash('sha256').update(JSON.stringify(fact)).digest('hex').slice(0, 22)}`).toString(
    36,
  );
  return testIdPrefix + digits.padStart(17, '0').slice(-17);
}

const isStateOf = (type: EventType, state: string): boolean =>
  openStates.includes(type) && (type === 'transfer.state_changed') !== knownStates.some((known) => known === state);

function wrongState(type: EventType, state: string) {
  const known = type === 'transfer.state_changed' ? `any but ${knownStates.join(', ')}` : knownStates.join(', ');
  const expected = openStates.includes(type) ? known : `no --state: ${type} says it`;
  return wrongCommandLine(`got the state ${state}, expected ${expected}`);
}

/** Fisher and Yates. */
function shuffled<T>(list: readonly T[], random: SeededRandom): T[] {
  const all = [...list];
  for (let last = all.length - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    [all[last], all[other]] = [all[other]!, all[last]!];
  }
  return all;
}
