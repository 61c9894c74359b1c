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
  return repetitions(
    keys,
    (index, first) => `watches[${index}]: expected each watch once, but watches[${first}] is the same`,
  );
}

export function repeatedWebhooks(json: unknown): string[] {
  const { webhooks } = (json ?? {}) as { webhooks?: unknown };
  if (!Array.isArray(webhooks)) return [];
  const names = webhooks.map((one) => (one as { name?: unknown } | null)?.name);
  return repetitions(
    names.map((name) => (typeof name === 'string' ? name : undefined)),
    (index, first) => `webhooks[${index}]: expected each name once, but webhooks[${first}] has the same`,
  );
}

/**
 * Problems of the values that occur earlier in a list; undefined values have none.
 *
 * @param problem gets the place of the value, and that of its first occurrence
 */
export function repetitions(
  values: readonly (string | undefined)[],
  problem: (index: number, first: number) => string,
): string[] {
  // A search for each of 10,000 values would take a second.
  const firsts = new Map<string | undefined, number>();
  return values.flatMap((value, index) => {
    const first = firsts.get(value);
    if (first === undefined) firsts.set(value, index);
    return first === undefined || value === undefined ? [] : [problem(index, first)];
  });
}
