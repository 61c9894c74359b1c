import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { believable } from '../instants.ts';
import { Partition } from '../table.ts';
import {
  type Delivery,
  type DeliveryName,
  dayOf,
  deliveryKey,
  duePart,
  eventKey,
  heldPart,
  longestDoorbellDelay,
  type NextStep,
  sweepAt,
} from './delivery.ts';

/** Seconds for which events, attempts and finished deliveries are kept. */
export const retention = 30 * 86_400;

/** An event or notice as it is stored: once, whatever the number of endpoints that get it. */
export interface StoredEvent {
  readonly id: string;
  /** The bytes that were published. */
  readonly body: string;
  /** ISO 8601 time of the event. */
  readonly at: string;
  readonly types: readonly string[];
  /** Events are listed by time; notices, which repeat what events tell, are not. */
  readonly kind: 'event' | 'notice';
  /** Of the transfer that an event is about. */
  readonly trackingId?: string | undefined;
}

/** The rows of deliveries and events in the webhooks table. */
export class Deliveries {
  private readonly client: DynamoDBClient;
  private readonly table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.client = client;
    this.table = table;
  }

  /** Stores an event unless it is stored already. */
  async storeEvent({ id, body, at, types, kind, trackingId }: StoredEvent, now: number): Promise<void> {
    const { pk, sk } = eventKey(id);
    await this.partition(pk).put(
      sk,
      {
        body,
        at,
        types,
        ...(kind === 'event' && { day: dayOf(at), ...(trackingId && { trackingId }) }),
        expiresAt: secondsOf(now) + retention,
      },
      { condition: 'attribute_not_exists(pk)' },
    );
  }

  /** Creates a delivery unless it is there already, whatever has become of it. */
  async create(name: DeliveryName, endpointSince: string, eventAt: string, now: number): Promise<void> {
    const { pk, sk } = deliveryKey(name);
    const waiting = { due: duePart(name), dueAt: sweepAt(now, now) };
    const fresh = { rev: 0, status: 'PENDING', attempt: 0, nextAttemptAt: now, changedAt: now };
    await this.partition(pk).put(
      sk,
      { ...name, endpointSince, eventAt, ...fresh, ...waiting },
      { condition: 'attribute_not_exists(pk)' },
    );
  }

  /**
   * Takes a delivery one step further.
   *
   * @param endpointSince a new one, if it is from now on for another endpoint of the same name
   * @returns the delivery as it is then, or undefined when it has changed since it was read
   */
  async step(delivery: Delivery, step: NextStep, now: number, endpointSince?: string): Promise<Delivery | undefined> {
    const { pk, sk } = deliveryKey(delivery);
    const values = {
      rev: delivery.rev + 1,
      status: step.status,
      attempt: 'attempt' in step ? step.attempt : delivery.attempt,
      endpointSince: endpointSince ?? delivery.endpointSince,
      changedAt: now,
    };
    const optional = {
      nextAttemptAt: 'nextAttemptAt' in step ? step.nextAttemptAt : delivery.nextAttemptAt,
      hasPlace: 'hasPlace' in step ? step.hasPlace : undefined,
      claimedUntil: 'claimedUntil' in step ? step.claimedUntil : undefined,
      reason: 'reason' in step ? step.reason : undefined,
      ...waitingOf(delivery, step, now),
    };
    const set = Object.entries({ ...values, ...optional }).filter(([, value]) => value !== undefined);
    const gone = Object.entries(optional).filter(([, value]) => value === undefined);
    const sets = set.map(([name]) => (name === 'status' ? '#status = :status' : `${name} = :${name}`)).join(', ');
    const removes = gone.map(([name]) => name).join(', ');
    const isWritten = await this.partition(pk).update(sk, `SET ${sets}${removes && ` REMOVE ${removes}`}`, {
      condition: 'rev = :read',
      values: { ...Object.fromEntries(set), read: delivery.rev },
      names: ['status'],
    });
    if (!isWritten) return undefined;
    const { hasPlace: _, claimedUntil: __, reason: ___, ...rest } = delivery;
    return { ...rest, ...Object.fromEntries(set) } as Delivery;
  }

  /** Puts off the sweep's next look at a delivery, unless the delivery has changed since it was read. */
  async putOffSweep(delivery: Delivery, until: number): Promise<void> {
    const { pk, sk } = deliveryKey(delivery);
    await this.partition(pk).update(sk, 'SET dueAt = :until', {
      condition: 'rev = :read AND attribute_exists(due)',
      values: { until, read: delivery.rev },
    });
  }

  private partition(pk: string): Partition {
    return new Partition(this.client, this.table, pk);
  }
}

/** Where a delivery waits, and how long it is kept. */
function waitingOf(delivery: Delivery, step: NextStep, now: number) {
  switch (step.status) {
    case 'PENDING':
      return { due: duePart(delivery), dueAt: sweepAt(step.nextAttemptAt, now), expiresAt: undefined };
    case 'CLAIMED':
      // A place in the index that is late enough is kept: moving there costs two writes.
      return {
        due: duePart(delivery),
        dueAt: Math.max(step.claimedUntil, believable(delivery.dueAt, now, longestDoorbellDelay) ?? 0),
        expiresAt: undefined,
      };
    case 'HELD':
      return { due: heldPart(delivery.endpoint), dueAt: Date.parse(delivery.eventAt), expiresAt: undefined };
    default:
      return { due: undefined, dueAt: undefined, expiresAt: secondsOf(now) + retention };
  }
}

const secondsOf = (milliseconds: number): number => Math.floor(milliseconds / 1000);
