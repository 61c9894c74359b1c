import { addressKey } from '../functions/address-key.ts';

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
  return keys.flatMap((key, at) => {
    const first = keys.indexOf(key);
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
  return names.flatMap((name, at) => {
    const first = names.indexOf(name);
    return typeof name !== 'string' || first === at
      ? []
      : [`webhooks[${at}]: expected each name once, but webhooks[${first}] has the same`];
  });
}
