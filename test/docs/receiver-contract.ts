import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';

/** A running receiver of the documentation. */
export interface Receiver {
  /** @returns the status of its answer, 502 for none */
  post(headers: Headers, body: Buffer): Promise<number>;
  /** Lists the events applied so far. */
  applied(): readonly { readonly id: string; readonly data: { readonly state: string } }[];
  /** Makes the storage of the next event fail. */
  failOnce(): void;
}

export type Headers = Record<string, string>;

const key = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;

/** Secret of the receiver. */
export const secret = key(1);
const anotherSecret = key(2);

let events = 0;
let trackingIds = 0;
const newTransfer = (): string => `20240522-065711-T${++trackingIds}`;

function eventOf(trackingId: string, sequence: number, change: object = {}) {
  const id = `evt_${String(++events).padStart(25, '0')}`;
  const data = { trackingId, mailbox: 'alice@example.com', direction: 'sent', state: 'ACTIVE', previousState: null };
  return { id, type: 'transfer.active', timestamp: new Date().toISOString(), data: { ...data, sequence }, ...change };
}

interface Signing {
  readonly secrets?: readonly string[];
  /** Items of the header before the signatures. */
  readonly before?: string;
  /** Seconds by which the time of the attempt is off. */
  readonly late?: number;
}

function request(event: { readonly id: string }, { secrets = [secret], before = '', late = 0 }: Signing = {}) {
  const body = Buffer.from(JSON.stringify(event));
  const at = new Date(Date.now() - 1000 * late);
  const headers: Headers = {
    'content-type': 'application/json',
    'user-agent': 'transfer-notifier',
    'webhook-id': event.id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': before + secrets.map((each) => new Webhook(each).sign(event.id, at, body)).join(' '),
  };
  return { headers, body };
}

/** Registers the tests of a receiver that the documentation shows. */
export function receiverContract(receiver: Receiver): void {
  type Event = ReturnType<typeof eventOf>;
  const timesApplied = ({ id }: Event) => receiver.applied().filter((each) => each.id === id).length;
  const post = (event: Event, signing?: Signing) => {
    const { headers, body } = request(event, signing);
    return receiver.post(headers, body);
  };
  /** Posts an event. @returns the status of the answer, and how often the event is applied */
  const outcome = async (event: Event, signing?: Signing) => [await post(event, signing), timesApplied(event)];
  const applied = [204, 1];
  const ignored = [204, 0];
  const refused = [401, 0];

  it('handles an event once that arrives again, or twice at the same time', async () => {
    const [repeated, doubled] = [eventOf(newTransfer(), 1), eventOf(newTransfer(), 1)];
    expect(await outcome(repeated)).toEqual(applied);
    expect(await outcome(repeated)).toEqual(applied);
    expect(await Promise.all([post(doubled), post(doubled)])).toEqual([204, 204]);
    expect(timesApplied(doubled)).toBe(1);
  });

  it('ignores an event older than the last one applied', async () => {
    const transfer = newTransfer();
    const [older, newer] = [eventOf(transfer, 1), eventOf(transfer, 2)];
    expect(await outcome(newer)).toEqual(applied);
    expect(await outcome(older)).toEqual(ignored);
  });

  it('orders events by mailbox, direction and transfer', async () => {
    const known = eventOf(newTransfer(), 7);
    expect(await outcome(known)).toEqual(applied);
    for (const other of [{ mailbox: 'bob@example.com' }, { direction: 'received' }, { trackingId: newTransfer() }]) {
      const event = eventOf('', 1, { data: { ...known.data, ...other, sequence: 1 } });
      expect(await outcome(event), JSON.stringify(other)).toEqual(applied);
    }
  });

  it('applies an event at its repetition if it could not store it', async () => {
    const event = eventOf(newTransfer(), 1);
    receiver.failOnce();
    expect(await post(event)).toBeGreaterThanOrEqual(500);
    expect(timesApplied(event)).toBe(0);
    expect(await outcome(event)).toEqual(applied);
  });

  it('refuses a body with a flipped bit', async () => {
    const event = eventOf(newTransfer(), 1);
    const { headers, body } = request(event);
    const index = body.indexOf('ACTIVE');
    body[index] = body[index]! ^ 1;
    expect([await receiver.post(headers, body), timesApplied(event)]).toEqual(refused);
  });

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('refuses a request without %s', async (header) => {
    const event = eventOf(newTransfer(), 1);
    const { headers, body } = request(event);
    delete headers[header];
    expect([await receiver.post(headers, body), timesApplied(event)]).toEqual(refused);
  });

  it.each<[string, Signing, number[]]>([
    ['refuses a request that is 6 minutes old', { late: 360 }, refused],
    ['refuses a request from 6 minutes ahead', { late: -360 }, refused],
    ['refuses the signature of another secret', { secrets: [anotherSecret] }, refused],
    ['accepts a second signature by a newer secret', { secrets: [secret, anotherSecret] }, applied],
    ['accepts a second signature by an older secret', { secrets: [anotherSecret, secret] }, applied],
    ['accepts a good signature after v1a', { before: 'v1a,AAAA ' }, applied],
    ['accepts a good signature after v2', { before: 'v2,AAAA ' }, applied],
    ['accepts a good signature after v1a and v1', { before: 'v1a,AAAA v1,AAAA ' }, applied],
  ])('%s', async (_, signing, expected) => {
    expect(await outcome(eventOf(newTransfer(), 1), signing)).toEqual(expected);
  });

  it('accepts a body that is not all ASCII', async () => {
    const event = eventOf(newTransfer(), 1);
    const state = 'Übergröße, 転送, 📦';
    expect(await outcome({ ...event, data: { ...event.data, state } })).toEqual(applied);
    expect(receiver.applied().find(({ id }) => id === event.id)?.data.state).toBe(state);
  });

  it('accepts header names in any case', async () => {
    const event = eventOf(newTransfer(), 1);
    const { headers, body } = request(event);
    const upper = Object.fromEntries(Object.entries(headers).map(([header, value]) => [header.toUpperCase(), value]));
    expect([await receiver.post(upper, body), timesApplied(event)]).toEqual(applied);
  });

  it.each([
    { type: 'invoice.paid', data: { sequence: 'first' } },
    { type: 'watch.failing', data: { mailbox: 'alice@example.com', direction: 'sent' } },
    { type: 'notifier.test', data: { endpoint: 'crm' } },
  ])('answers $type without applying it', async (change) => {
    expect(await outcome(eventOf('', 1, change))).toEqual(ignored);
  });
}
