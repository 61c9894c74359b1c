import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';

/** A receiver of the documentation, at work. */
export interface Receiver {
  /** Posts to it. @returns the status of its answer; 502 when it gives none */
  post(headers: Headers, body: Buffer): Promise<number>;
  /** The events that it has applied so far. */
  applied(): readonly { readonly id: string; readonly data: { readonly state: string } }[];
  /** Has it fail to store the next event. */
  failOnce(): void;
}

export type Headers = Record<string, string>;

const key = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;

/** The secret that the receiver has to know. */
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

/** What every receiver that the documentation shows has to do. */
export function receiverContract(receiver: Receiver): void {
  const post = (event: { readonly id: string; readonly data?: object }, signing?: Signing): Promise<number> => {
    const { headers, body } = request(event, signing);
    return receiver.post(headers, body);
  };
  const timesApplied = ({ id }: { readonly id: string }): number =>
    receiver.applied().filter((each) => each.id === id).length;

  it('handles an event once, however often it arrives', async () => {
    const event = eventOf(newTransfer(), 1);
    expect(await post(event)).toBe(204);
    expect(await post(event)).toBe(204);
    expect(timesApplied(event)).toBe(1);
  });

  it('handles an event once that arrives twice at the same time', async () => {
    const event = eventOf(newTransfer(), 1);
    expect(await Promise.all([post(event), post(event)])).toEqual([204, 204]);
    expect(timesApplied(event)).toBe(1);
  });

  it('does not apply what is older than it knows', async () => {
    const transfer = newTransfer();
    const [older, newer] = [eventOf(transfer, 1), eventOf(transfer, 2)];
    expect(await post(newer)).toBe(204);
    expect(await post(older)).toBe(204);
    expect([timesApplied(newer), timesApplied(older)]).toEqual([1, 0]);
  });

  it('counts for each mailbox, direction and transfer of its own', async () => {
    const known = eventOf(newTransfer(), 7);
    const others = [{ mailbox: 'bob@example.com' }, { direction: 'received' }, { trackingId: newTransfer() }];
    const all = [known, ...others.map((other) => eventOf('', 1, { data: { ...known.data, ...other, sequence: 1 } }))];
    for (const event of all) expect(await post(event)).toBe(204);
    expect(all.map(timesApplied)).toEqual([1, 1, 1, 1]);
  });

  it('takes an event again that it could not store', async () => {
    const event = eventOf(newTransfer(), 1);
    receiver.failOnce();
    expect(await post(event)).toBeGreaterThanOrEqual(500);
    expect(timesApplied(event)).toBe(0);
    expect(await post(event)).toBe(204);
    expect(timesApplied(event)).toBe(1);
  });

  it('refuses a body with one flipped byte', async () => {
    const event = eventOf(newTransfer(), 1);
    const { headers, body } = request(event);
    const at = body.indexOf('ACTIVE');
    body[at] = body[at]! ^ 1;
    expect(await receiver.post(headers, body)).toBe(401);
    expect(timesApplied(event)).toBe(0);
  });

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('refuses a request without %s', async (header) => {
    const event = eventOf(newTransfer(), 1);
    const { headers, body } = request(event);
    delete headers[header];
    expect(await receiver.post(headers, body)).toBe(401);
    expect(timesApplied(event)).toBe(0);
  });

  it.each([360, -360])('refuses a request of %d seconds ago', async (late) => {
    const event = eventOf(newTransfer(), 1);
    expect(await post(event, { late })).toBe(401);
    expect(timesApplied(event)).toBe(0);
  });

  it('refuses the signature by another secret', async () => {
    const event = eventOf(newTransfer(), 1);
    expect(await post(event, { secrets: [anotherSecret] })).toBe(401);
    expect(timesApplied(event)).toBe(0);
  });

  it.each([
    { secrets: [secret, anotherSecret], whose: 'the new secret' },
    { secrets: [anotherSecret, secret], whose: 'the old secret' },
  ])('takes a request with two signatures when it knows $whose', async ({ secrets }) => {
    const event = eventOf(newTransfer(), 1);
    expect(await post(event, { secrets })).toBe(204);
    expect(timesApplied(event)).toBe(1);
  });

  it.each(['v1a,AAAA ', 'v2,AAAA ', 'v1a,AAAA v1,AAAA '])('takes a good signature after %j', async (before) => {
    const event = eventOf(newTransfer(), 1);
    expect(await post(event, { before })).toBe(204);
    expect(timesApplied(event)).toBe(1);
  });

  it('takes a body that is not all ASCII', async () => {
    const event = eventOf(newTransfer(), 1);
    const state = 'Übergröße, 転送, 📦';
    expect(await post({ ...event, data: { ...event.data, state } })).toBe(204);
    expect(receiver.applied().find(({ id }) => id === event.id)?.data.state).toBe(state);
  });

  it('takes header names in any case', async () => {
    const event = eventOf(newTransfer(), 1);
    const { headers, body } = request(event);
    const upper = Object.fromEntries(Object.entries(headers).map(([header, value]) => [header.toUpperCase(), value]));
    expect(await receiver.post(upper, body)).toBe(204);
    expect(timesApplied(event)).toBe(1);
  });

  it.each([
    { type: 'invoice.paid', data: { sequence: 'first' } },
    { type: 'watch.failing', data: { mailbox: 'alice@example.com', direction: 'sent' } },
    { type: 'notifier.test', data: { endpoint: 'crm' } },
  ])('takes $type and does nothing', async (change) => {
    const event = eventOf('', 1, change);
    expect(await post(event)).toBe(204);
    expect(timesApplied(event)).toBe(0);
  });
}
