import { addressKey } from '#functions/transfers/address-key.ts';

/** Watches that stand in a configuration twice, each with its path, whatever else is wrong with it. */
export function repeatedWatches(json: unknown): string[] {
  const { watches } = (json ?? {}) as { watches?: unknown };
  if (!Array.isArray(watches)) return [];
  const keys = watches.map((watch) => {
    const { mailbox, direction = 'sent' } = watch ?? {};
    return typeof mailbox === 'string' && typeof direction === 'string'
      ? `${direction}#${addressKey(mailbox)}`
      : undefined;
  });
  const firsts = firstPlaces(keys);
  return keys.flatMap((key, at) => {
    const first = firsts.get(key);
    return key === undefined || first === at
      ? []
      : [`watches[${at}]: expected each watch once, but watches[${first}] is the same`];
  });
}

/** Webhooks of the same name, each with its path. */
export function repeatedWebhooks(json: unknown): string[] {
  const { webhooks } = (json ?? {}) as { webhooks?: unknown };
  if (!Array.isArray(webhooks)) return [];
  const names = webhooks.map((one) => (one as { name?: unknown } | null)?.name);
  const firsts = firstPlaces(names);
  return names.flatMap((name, at) => {
    const first = firsts.get(name);
    return typeof name !== 'string' || first === at
      ? []
      : [`webhooks[${at}]: expected each name once, but webhooks[${first}] has the same`];
  });
}

/** Where each value stands first; searching for each of 10,000 would take a second. */
function firstPlaces(values: readonly unknown[]): ReadonlyMap<unknown, number> {
  const firsts = new Map<unknown, number>();
  values.forEach((value, at) => {
    if (!firsts.has(value)) firsts.set(value, at);
  });
  return firsts;
}
