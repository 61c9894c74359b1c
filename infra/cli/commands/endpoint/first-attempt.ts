import { type ApiReader, path } from '#infra/cli/api/client.ts';
import type { DeliveryResource, EndpointResource } from '#infra/cli/api/resources.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';

/** Milliseconds between two requests. */
const intervalMs = 250;

interface Waiting extends Pick<CliContext, 'sleep' | 'now'> {
  readonly api: ApiReader;
  /** Milliseconds to wait at most. */
  readonly mostMs: number;
}

/**
 * Delivery after its first attempt or its end, or as it is when the time is over. Before `openUntil`, an open circuit
 * breaker allows no attempt.
 */
export async function firstAttempt({ api, sleep, now, mostMs }: Waiting, event: string, name: string) {
  let openUntil: string | undefined;
  for (let waitedMs = 0; ; waitedMs += intervalMs) {
    const delivery = await api.get<DeliveryResource>(path`/deliveries/${event}/${name}`);
    const isOver = delivery.status !== 'PENDING' || (delivery.attempts?.length ?? 0) > 0;
    if (isOver || waitedMs >= mostMs) return { delivery, openUntil };
    if (waitedMs === 0) {
      const { circuitBreaker } = await api.get<EndpointResource>(path`/endpoints/${name}`);
      openUntil = circuitBreaker?.state === 'open' ? circuitBreaker.openUntil : undefined;
      if (Date.parse(openUntil ?? '') > now().getTime() + mostMs) return { delivery, openUntil };
    }
    await sleep(intervalMs);
  }
}
