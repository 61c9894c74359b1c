import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { getRows, type Key, putRows, rowName } from '../batches.ts';
import { type Patience, patienceUntil } from '../pauses.ts';
import type { Item } from '../table.ts';
import { type Attempt, type AttemptDependencies, answerContext } from './attempt.ts';
import { Deliveries, retention } from './deliveries.ts';
import { type Delivery, type DeliveryName, deliveryKey, deliveryNameOf, eventKey, isDue } from './delivery.ts';
import type { Doorbells } from './doorbells.ts';
import { deliverTo, type Settled } from './endpoint-batch.ts';
import { endpointKey, endpointOf } from './endpoints.ts';
import { type Gates, gateKey, gateOf } from './gates.ts';
import type { DataKey } from './sealing.ts';

/** What deliveries are made with. */
export interface DeliverDependencies extends AttemptDependencies {
  readonly dynamo: DynamoDBClient;
  /** Name of the webhooks table. */
  readonly table: string;
  readonly doorbells: Doorbells;
  readonly gates: Gates;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What became of the deliveries that the doorbell rang for. */
export interface DeliveryBatch {
  readonly settled: readonly Settled[];
  /** Deliveries that a fault of ours kept from being looked after, with the fault. */
  readonly unhandled: readonly { readonly delivery: DeliveryName; readonly error: Error }[];
}

/**
 * Looks after the deliveries that the doorbell rang for: attempts those that are due, puts the others where they belong.
 * Doorbells that ring twice, late or for nothing do no harm. A receiver that fails is an outcome, not an error.
 *
 * @param stopAt instant of the steady clock after which nothing is repeated that DynamoDB has left over
 * @throws the error of the SDK when the rows cannot be read
 */
export async function deliver(
  deps: DeliverDependencies,
  rung: readonly DeliveryName[],
  stopAt = Number.POSITIVE_INFINITY,
): Promise<DeliveryBatch> {
  const patience = patienceUntil(stopAt, deps.steady);
  const keys = new Map<string, Key>();
  for (const name of rung) {
    for (const key of [deliveryKey(name), eventKey(name.event), endpointKey(name.endpoint), gateKey(name.endpoint)]) {
      keys.set(rowName(key), key);
    }
  }
  const rows = await getRows(deps.dynamo, deps.table, [...keys.values()], patience);
  const row = (key: Key): Item | undefined => rows.get(rowName(key));
  const now = deps.now().getTime();
  const due = new Map<string, Delivery[]>();
  for (const key of new Map(rung.map((name) => [rowName(deliveryKey(name)), deliveryKey(name)])).values()) {
    const found = row(key);
    if (!found) continue;
    const delivery = { ...found, ...deliveryNameOf(key) } as Delivery;
    if (isDue(delivery, now)) due.set(delivery.endpoint, [...(due.get(delivery.endpoint) ?? []), delivery]);
  }
  const deliveries = new Deliveries(deps.dynamo, deps.table);
  const unhandled: { delivery: DeliveryName; error: Error }[] = [];
  const settled = await Promise.all(
    [...due].map(async ([name, group]) => {
      const endpointRow = row(endpointKey(name));
      try {
        return await deliverTo(
          { ...deps, deliveries },
          endpointRow && endpointOf(endpointRow),
          gateOf(row(gateKey(name))),
          {
            deliveries: group,
            bodyOf: (event) => row(eventKey(event))?.body as string | undefined,
          },
        );
      } catch (error) {
        unhandled.push(...group.map((delivery) => ({ delivery, error: error as Error })));
        return [];
      }
    }),
  );
  const all = settled.flat();
  await record(deps, all, now, patience);
  return { settled: all, unhandled };
}

/** Keeps the attempts for whoever asks, and has the retries looked after in time. Neither is needed for correctness. */
async function record(
  deps: DeliverDependencies,
  settled: readonly Settled[],
  now: number,
  patience: Patience,
): Promise<void> {
  const waiting = settled.flatMap(({ delivery }) =>
    delivery.status === 'PENDING' ? [{ ...delivery, at: delivery.nextAttemptAt }] : [],
  );
  const attempts = settled.flatMap(({ attempt }) => (attempt ? [attemptRow(attempt, deps.dataKey)] : []));
  await Promise.all([
    deps.doorbells.ring(waiting, now),
    putRows(deps.dynamo, deps.table, attempts, patience).catch(() => undefined),
  ]);
}

function attemptRow(made: Attempt, dataKey: DataKey): Item {
  const { delivery, startedAt, endedAt, outcome, status, response, failure, code } = made;
  const { pk } = deliveryKey(delivery);
  const at = new Date(startedAt).toISOString();
  return {
    pk,
    sk: `ATTEMPT#${delivery.endpoint}#${at}#${delivery.attempt}`,
    attempt: delivery.attempt,
    startedAt: at,
    duration: endedAt - startedAt,
    outcome: outcome.kind,
    cause: 'cause' in outcome ? outcome.cause : undefined,
    failure,
    code,
    status,
    response: response && dataKey.seal(response, answerContext(delivery.endpoint)),
    expiresAt: Math.floor(startedAt / 1000) + retention,
  };
}
