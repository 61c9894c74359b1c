import { expect } from 'vitest';
import type { DeclaredEndpoint } from '#functions/webhooks/endpoints/declared.ts';
import { type Reader, usualReader } from '#functions/webhooks/endpoints/reader.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import type { WebhookWorld } from '#test/support/webhook-world.ts';

/** A reader by mail as the configuration declares it. */
export function mailReader(
  name: string,
  { urgent, quiet, ...reader }: Reader = usualReader,
  settings: Partial<EndpointSettingsInput> = {},
): DeclaredEndpoint {
  const mail = { url: `mailto:${name}@example.com`, format: 'email' as const };
  const lists = { urgent: [...urgent], quiet: [...quiet] };
  return { name, settings: { ...mail, reader: { ...reader, ...lists }, ...settings }, secret: undefined };
}

/** Ids of the mails to a reader, in their order. */
export const mailedTo = ({ mails }: WebhookWorld, name: string): string[] =>
  mails.filter(({ reader }) => reader === name).map(({ id }) => id);

/**
 * Checks that each event is in exactly one digest of a reader, and that each digest tells what belongs to it, and was
 * mailed.
 *
 * @param isLost true for an event that may have been cancelled instead, because its reader was removed
 * @param unsent statuses of digests that may not have been mailed
 * @returns the ids of the digests
 */
export async function expectToldOnce(
  world: WebhookWorld,
  name: string,
  events: readonly { readonly id: string }[],
  isLost: (id: string) => boolean = () => false,
  unsent: readonly string[] = [],
): Promise<string[]> {
  const mailed = mailedTo(world, name);
  const read = (ids: readonly string[]) => world.deps.deliveries.read(ids.map((event) => ({ event, endpoint: name })));
  const deliveries = await read(events.map(({ id }) => id));
  expect(deliveries).toHaveLength(events.length);
  const kept = deliveries.filter(({ event, status }) => status !== 'CANCELLED' || !isLost(event));
  for (const delivery of kept) expect(delivery).toMatchObject({ status: 'COLLECTED', digest: expect.any(String) });
  const tellers = new Map(kept.map(({ event, digest }) => [event, digest!]));
  const digests = await read([...new Set(tellers.values())]);
  for (const { event: id, status, body } of digests) {
    if (unsent.includes(status)) continue;
    expect(status).toBe('DELIVERED');
    expect(mailed).toContain(id);
    const digest = JSON.parse(body);
    const collected = [...tellers.values()].filter((teller) => teller === id).length;
    // A reader may be removed after a crash between its mail and the rows of the events in it: these are cancelled.
    expect(digest.events).toBeGreaterThanOrEqual(collected);
    expect(digest.events).toBeLessThanOrEqual(collected + deliveries.length - kept.length);
    for (const event of digest.told) expect([id, isLost(event.id) && undefined]).toContain(tellers.get(event.id));
  }
  return digests.map(({ event }) => event);
}
