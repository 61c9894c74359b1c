import { Partition } from '#functions/dynamodb/partition.ts';
import type { Key } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { type Endpoint, endpointOf } from './endpoint.ts';
import type { EndpointHealthChange } from './health.ts';
import type { Leases } from './leases.ts';
import type { Queue } from './wake-ups.ts';

const registry = 'ENDPOINTS';
const pageSize = 100;
/** Sorts after every name, since names hold only lower-case letters, digits and hyphens. */
const afterLast = '{';

export const endpointKey = (name: string): Key => ({ pk: registry, sk: name });

export interface WebhookDependencies {
  readonly endpoints: Endpoints;
  readonly leases: Leases;
  readonly wakeUps: Queue;
  readonly now: () => Date;
  readonly steady: () => number;
}

export type EndpointPart = Readonly<Awaited<ReturnType<Endpoints['after']>>>;

/** Endpoints in the webhooks table: one row for each, by name. */
export class Endpoints extends Partition.of(registry) {
  async list(): Promise<Endpoint[]> {
    return (await this.range(' ', afterLast)).map(endpointOf);
  }

  /** Pages through all endpoints by name: first those after `start`, then those up to it. */
  async *pages(start: string): AsyncGenerator<EndpointPart> {
    for (const [from, until] of start === '' ? [['']] : [[start], ['', start]]) {
      let after = from;
      while (after !== undefined) {
        const part: EndpointPart = await this.after(after, pageSize, until);
        yield part;
        after = part.next;
      }
    }
  }

  /**
   * Reads the endpoints after a name, or the first ones after `''`: at most `limit`, and at most 1 MB. `next` is the
   * name after which there may be more. `fault` is the error of a row that no endpoint can be read from.
   */
  async after(name: string, limit: number, until = afterLast) {
    const { rows, last: next } = await this.page(`${name} `, until, limit);
    const { fitting: endpoints, fault } = r.readFitting(rows, endpointOf);
    return { endpoints, fault, next };
  }

  async find(name: string): Promise<Endpoint | undefined> {
    return (await this.range(name, name)).map(endpointOf)[0];
  }

  /** @returns false when the name is taken */
  create(endpoint: Endpoint): Promise<boolean> {
    return this.put(endpoint.name, { ...endpoint }, { condition: 'attribute_not_exists(pk)' });
  }

  /** @returns false when the endpoint has changed since it was read */
  replace({ name, createdAt, rev }: Endpoint, changed: Endpoint): Promise<boolean> {
    const unchanged = { condition: 'createdAt = :createdAt AND rev = :rev', values: { createdAt, rev } };
    return this.put(name, { ...changed, rev: rev + 1 }, unchanged);
  }

  /** Stores an endpoint's health together with the event that reports it, as {@link replace} does. */
  commitHealth(read: Endpoint, { health, disabledBecause, body }: EndpointHealthChange): Promise<boolean> {
    const disabled = disabledBecause ? { disabledBecause, status: 'disabled' as const } : {};
    return this.replace(read, { ...read, health, ...disabled, pending: [...(read.pending ?? []), body] });
  }

  /** Removes published events from an endpoint, unless it has changed since it was read. */
  clearPending(read: Endpoint): Promise<boolean> {
    return this.replace(read, { ...read, pending: undefined });
  }
}
