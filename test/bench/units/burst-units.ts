import pLimit from 'p-limit';
import { eventBody } from '#functions/events/transfer-event.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { parseWakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { startEventSource } from '#infra/local/services/event-source.ts';
import { startReceiver } from '#test/bench/processes/receiver.ts';
import type { ServiceAddresses } from '#test/bench/processes/services.ts';
import { burstSize } from '#test/bench/webhooks/burst.ts';
import { inTime } from '#test/bench/webhooks/contestant.ts';
import { eventsOf } from '#test/bench/webhooks/events.ts';
import { meteredWebhooks } from './metered.ts';

/** Batches in progress, as they are deployed. */
const fanOutConcurrency = 2;
const deliverConcurrency = 20;

/** Announcements in a batch. */
const batchSize = 10;

/** Milliseconds that an invocation has. */
const invocationMs = 55_000;

/**
 * Counts the units of 300 deliveries created at once, from the announcement to the finished row. Their one endpoint has
 * default settings.
 */
export async function measureBurstUnits(services: ServiceAddresses, answersAfterMs: number) {
  const webhooks = await meteredWebhooks(services);
  const { deps, meter, sqs, queue } = webhooks;
  const receiver = await startReceiver();
  await addEndpoint(deps, 'ok', { url: `${receiver.url}/after/${answersAfterMs}` });
  const bodies = eventsOf('metered', burstSize).map((event) => ({ body: eventBody(event) }));
  const batches = Array.from({ length: burstSize / batchSize }, (_, index) =>
    bodies.slice(index * batchSize, (index + 1) * batchSize),
  );
  let wakeUps = 0;
  const { read, write } = await meter.of(async () => {
    const source = startEventSource(sqs, queue, deliverConcurrency, async ({ Records }) => {
      wakeUps += Records.length;
      const parsed = Records.map(({ body }) => parseWakeUp(body)!);
      await deliver(deps, parsed, deps.steady() + invocationMs);
      return { batchItemFailures: [] };
    });
    try {
      await pLimit(fanOutConcurrency).map(batches, (batch) => fanOut(deps, batch, deps.steady() + invocationMs));
      await inTime(receiver.answered(burstSize), `${burstSize} deliveries that are metered`);
    } finally {
      source.stop();
      await source.ended;
      receiver.close();
      webhooks.close();
    }
  });
  return {
    answersAfterMs,
    /** For each delivery, writes to indexes included. */
    units: { read: read / burstSize, write: write / burstSize },
    /** For each delivery. */
    wakeUps: wakeUps / burstSize,
  };
}
