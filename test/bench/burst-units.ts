import pLimit from 'p-limit';
import type { Units } from '#functions/dynamodb/partition.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { startEventSource } from '#infra/local/services/event-source.ts';
import { eventsOf } from './bench-events.ts';
import { startBenchReceiver } from './bench-receiver.ts';
import { burstSize } from './burst.ts';
import { inTime } from './contestant.ts';
import type { ServiceAddresses } from './services.ts';
import { meteredWebhooks } from './webhook-dependencies.ts';

/** What a delivery costs in a burst to one endpoint with default settings, its creation included. */
export interface BurstUnits {
  readonly events: number;
  /** Milliseconds that the receiver takes to answer. */
  readonly answersAfter: number;
  /** Units of DynamoDB, writes to indexes included, for each delivery. */
  readonly units: Units;
  /** Messages by which a delivery was looked after, for each delivery. */
  readonly wakeUps: number;
}

/** Batches at once, as they are deployed. */
const fanOutConcurrency = 2;
const deliverConcurrency = 20;

/** Announcements in a batch. */
const batchSize = 10;

/** Milliseconds that an invocation has. */
const invocation = 55_000;

/** Counts the units of 300 deliveries that are created at once, from the announcement to the finished row. */
export async function measureBurstUnits(services: ServiceAddresses): Promise<BurstUnits[]> {
  const results: BurstUnits[] = [];
  for (const answersAfter of [0, 100]) results.push(await burst(services, answersAfter));
  return results;
}

async function burst(services: ServiceAddresses, answersAfter: number): Promise<BurstUnits> {
  const webhooks = await meteredWebhooks(services);
  const { deps, meter, sqs, queue, wakeUpOf } = webhooks;
  const receiver = await startBenchReceiver();
  await addEndpoint(deps, 'ok', { url: `${receiver.url}/after/${answersAfter}` });
  const bodies = eventsOf('metered', burstSize).map((event) => ({ body: eventBody(event) }));
  const batches = Array.from({ length: burstSize / batchSize }, (_, index) =>
    bodies.slice(index * batchSize, (index + 1) * batchSize),
  );
  let wakeUps = 0;
  const units = await meter.of(async () => {
    const source = startEventSource(sqs, queue, deliverConcurrency, async ({ Records }) => {
      wakeUps += Records.length;
      await deliver(
        deps,
        Records.map(({ body }) => wakeUpOf(body)),
        deps.steady() + invocation,
      );
      return { batchItemFailures: [] };
    });
    try {
      await pLimit(fanOutConcurrency).map(batches, (batch) => fanOut(deps, batch, deps.steady() + invocation));
      await inTime(receiver.answered(burstSize), `${burstSize} deliveries that are metered`);
    } finally {
      source.stop();
      await source.ended;
      receiver.close();
      webhooks.close();
    }
  });
  return {
    events: burstSize,
    answersAfter,
    units: { read: units.read / burstSize, write: units.write / burstSize },
    wakeUps: wakeUps / burstSize,
  };
}
