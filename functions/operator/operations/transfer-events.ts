import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { listedAt } from '#functions/webhooks/deliveries/delivery.ts';
import { shownEvent } from './traces.ts';

/** Most events read for one transfer; a transfer has far fewer states. */
const mostEvents = 500;

/** The events about a transfer, the newest first. */
export async function transferEvents({ webhooks }: OperatorDependencies, transfer: string) {
  return (await webhooks.events.ofTransfer(transfer, mostEvents))
    .map(shownEvent)
    .filter(({ data }) => data.trackingId === transfer)
    .sort((one, other) => (placeOf(one) < placeOf(other) ? 1 : -1))
    .slice(0, mostEvents);
}

const placeOf = ({ timestamp, id }: { readonly timestamp: string; readonly id: string }) => listedAt(timestamp, id);
