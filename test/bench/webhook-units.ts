import { transferNotice } from '../../functions/notices/notice.ts';
import type { Units } from '../../functions/table.ts';
import { eventBody, transferEvent } from '../../functions/transfers/event.ts';
import type { Topics } from '../../functions/transfers/publish.ts';
import type { Watch } from '../../functions/transfers/transfer.ts';
import { deliver } from '../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../functions/webhooks/endpoint-life.ts';
import { fanOut } from '../../functions/webhooks/fan-out.ts';
import { sweep } from '../../functions/webhooks/sweep.ts';
import type { WebhookUnits } from './monthly-use.ts';
import type { ServiceAddresses } from './services.ts';
import { meteredWebhooks } from './webhook-dependencies.ts';

/** Times that everything is measured; rows differ in nothing but ids and times. */
const rounds = 10;

const watch: Watch = { mailbox: 'alice@example.com', direction: 'sent' };

/** Measures how many units of DynamoDB webhooks cost, each function by itself with one message. */
export async function measureWebhookUnits(services: ServiceAddresses, topics: Topics): Promise<WebhookUnits> {
  const { deps: shared, meter, close } = await meteredWebhooks(services, 'metered-webhooks');
  const deps = { ...shared, topics };
  const endpoint = 'ok';
  const measured: { [Part in keyof WebhookUnits]: Units[] } = {
    event: [],
    notice: [],
    creation: [],
    delivery: [],
    sweep: [],
  };
  try {
    await addEndpoint(deps, endpoint, { url: `${services.receiver}/ok`, types: ['transfer.failed'] });
    for (let round = 0; round < rounds; round += 1) {
      // An endpoint that wants something else is read all the same.
      const unwanted = eventOf(`unwanted-${round}`, 'ACTIVE');
      const wanted = eventOf(`wanted-${round}`, 'FAILED');
      const base = await meter.of(() => fanOut(deps, [{ body: eventBody(unwanted) }]));
      const whole = await meter.of(() => fanOut(deps, [{ body: eventBody(wanted) }]));
      measured.event.push(base);
      measured.creation.push({ read: whole.read - base.read, write: whole.write - base.write });
      const { record } = transferNotice(watch, [wanted]);
      measured.notice.push(await meter.of(() => fanOut(deps, [{ body: JSON.stringify(record) }])));
      measured.delivery.push(
        await meter.of(async () => {
          const { settled } = await deliver(deps, [{ event: wanted.id, endpoint }]);
          if (settled[0]?.delivery.status !== 'DELIVERED') throw new Error('the webhook was not delivered');
        }),
      );
      measured.sweep.push(await meter.of(() => sweep(deps, deps.now().getTime() + 10_000)));
    }
  } finally {
    close();
  }
  return {
    event: meanOf(measured.event),
    notice: meanOf(measured.notice),
    creation: meanOf(measured.creation),
    delivery: meanOf(measured.delivery),
    sweep: meanOf(measured.sweep),
  };
}

const eventOf = (trackingId: string, state: string) => {
  const change = { trackingId, state, previousState: 'PROCESSING', sequence: 1, unlisted: false };
  return transferEvent('https://cryptshare.example.com', watch, change, new Date().toISOString());
};

function meanOf(measured: readonly Units[]): Units {
  const mean = (kind: keyof Units) => measured.reduce((sum, units) => sum + units[kind], 0) / measured.length;
  return { read: mean('read'), write: mean('write') };
}
