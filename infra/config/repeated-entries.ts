import { addressKey } from '#functions/transfers/address-key.ts';

/** Finds repeated watches, webhooks and things to follow by path, even in an otherwise invalid configuration. */
export function repeatedEntries(json: unknown): string[] {
  const { watches, webhooks } = (json ?? {}) as { watches?: unknown; webhooks?: unknown };
  const keys = entriesIn(watches).map(({ mailbox, direction = 'sent' }) =>
    typeof mailbox === 'string' && typeof direction === 'string' ? `${direction}#${addressKey(mailbox)}` : undefined,
  );
  const names = entriesIn(webhooks).map(({ name }) => (typeof name === 'string' ? name : undefined));
  const followed = entriesIn(watches).flatMap(({ follow }, at) =>
    repetitions(
      Array.isArray(follow) ? follow.map((one) => (typeof one === 'string' ? one : undefined)) : [],
      (index, first) =>
        `watches[${at}].follow[${index}]: expected each once, but watches[${at}].follow[${first}] is the same`,
    ),
  );
  return [
    ...followed,
    ...repetitions(
      keys,
      (index, first) => `watches[${index}]: expected each watch once, but watches[${first}] is the same`,
    ),
    ...repetitions(
      names,
      (index, first) => `webhooks[${index}]: expected each name once, but webhooks[${first}] has the same`,
    ),
  ];
}

const entriesIn = (list: unknown): Readonly<Record<string, unknown>>[] =>
  Array.isArray(list) ? list.map((entry) => entry ?? {}) : [];

/** Problems of values that occur earlier in a list, except undefined. Each names its place and that of the first. */
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
