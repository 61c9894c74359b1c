import { monthlyBill } from './monthly-bill.ts';
import { type Announced, deliveriesOf } from './monthly-deliveries.ts';
import { publicationsOf } from './monthly-polls.ts';
import { sumOf } from './monthly-quantities.ts';
import type { Region } from './prices.ts';
import type { Deployed, MeasuredUse } from './use.ts';

/** Deliveries that costs are told of. */
const million = 1e6;

/**
 * US dollars by service for a million deliveries of events to endpoints, from their publication on, with nothing free.
 * What costs the same without any delivery is left out: idle queues, sweeps, metrics, alarms.
 */
export function deliveryCosts(
  kind: Omit<Announced, 'events'>,
  measured: Pick<MeasuredUse, 'webhooks' | 'logs' | 'stored'>,
  deployed: Deployed,
  region: Region,
): Map<string, number> {
  const events = million / kind.endpoints;
  const quantities = sumOf([
    deliveriesOf({ ...kind, events }, measured, deployed),
    { snsPublishes: publicationsOf(events, kind.together) },
  ]);
  const costs = new Map<string, number>();
  for (const { service, gross } of monthlyBill(quantities, region).lines) {
    if (gross > 0) costs.set(service, (costs.get(service) ?? 0) + gross);
  }
  return costs;
}
