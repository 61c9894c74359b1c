import { addressKey } from '#functions/transfers/address-key.ts';

/** Finds repeated watches by path, even in an otherwise invalid configuration. */
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
  return keys.flatMap((key, index) => {
    const first = firsts.get(key);
    return key === undefined || first === index
      ? []
      : [`watches[${index}]: expected each watch once, but watches[${first}] is the same`];
  });
}

export function repeatedWebhooks(json: unknown): string[] {
  const { webhooks } = (json ?? {}) as { webhooks?: unknown };
  if (!Array.isArray(webhooks)) return [];
  const names = webhooks.map((one) => (one as { name?: unknown } | null)?.name);
  const firsts = firstPlaces(names);
  return names.flatMap((name, index) => {
    const first = firsts.get(name);
    return typeof name !== 'string' || first === index
      ? []
      : [`webhooks[${index}]: expected each name once, but webhooks[${first}] has the same`];
  });
}

/** Index of each value's first occurrence; a search for each of 10,000 values would take a second. */
function firstPlaces(values: readonly unknown[]): ReadonlyMap<unknown, number> {
  const firsts = new Map<unknown, number>();
  values.forEach((value, index) => {
    if (!firsts.has(value)) firsts.set(value, index);
  });
  return firsts;
}
