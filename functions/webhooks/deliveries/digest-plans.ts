import { expiryOf } from '#functions/clock/retention.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { leaseKey } from '#functions/webhooks/endpoints/leases.ts';

const planSk = 'DIGEST';

const planOf = r.rowOf({
  /** Counts the changes. Each change names the `rev` that it read. */
  rev: r.number,
  /** Unix ms at which a process claimed the plan, which it then works at alone. */
  busySince: r.optional(r.number),
  /** Unix ms up to which digests at set times have told the events. */
  toldUntil: r.optional(r.number),
  /** Counts of the last digest at a set time, as JSON. */
  counts: r.optional(r.text),
  /** The open digest: the next one waits until all of its events are marked. */
  open: r.optional(
    r.object({
      id: r.text,
      /** `createdAt` of the reader: one added again under the same name is a different one. */
      endpointSince: r.text,
      body: r.text,
      /** ISO 8601 time. */
      at: r.text,
      members: r.list(r.text),
    }),
  ),
});

export type DigestPlan = ReturnType<typeof planOf>;

export type DigestPlans = ReturnType<typeof digestPlans>;

/** One row for each reader. It decides in which digest an event is, before anything else is written. */
export function digestPlans(source: TableSource, keptForMs: number) {
  const partition = (endpoint: string) => new Partition(source, leaseKey(endpoint).pk);
  return {
    async read(endpoint: string): Promise<DigestPlan> {
      const [row] = await partition(endpoint).range(planSk, planSk);
      return row ? planOf(row) : { rev: 0 };
    },
    /** `now` in Unix ms. @returns the written plan; undefined when another process has changed it since it was read */
    replace: (endpoint: string, read: DigestPlan, next: Omit<DigestPlan, 'rev'>, now: number) =>
      partition(endpoint).putNext(planSk, read, { ...next, expiresAt: expiryOf(now, keptForMs) }),
    forget: (endpoint: string) => partition(endpoint).delete(planSk),
  };
}
