import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Key } from '../batches.ts';
import { type Item, Partition } from '../table.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointHealthChange } from './endpoint-health.ts';
import type { WakeUps } from './wake-ups.ts';

const registry = 'ENDPOINTS';

/** Endpoints read at once. */
const pageSize = 100;

/** Sorts after every name, which holds nothing beyond lower-case letters, digits and hyphens. */
const afterLast = '{';

export const endpointKey = (name: string): Key => ({ pk: registry, sk: name });

export function endpointOf(row: Item): Endpoint {
  const { pk, sk, ...endpoint } = row;
  return endpoint as Endpoint;
}

/** What everything that has to do with deliveries works with. */
export interface WebhookDependencies {
  readonly dynamo: DynamoDBClient;
  /** Name of the webhooks table. */
  readonly table: string;
  readonly wakeUps: WakeUps;
  readonly now: () => Date;
  /** Milliseconds of a clock that is never set. */
  readonly steady: () => number;
}

/** Some of the endpoints, and the name after which to go on; undefined when there are no more. */
export interface EndpointPart {
  readonly endpoints: readonly Endpoint[];
  readonly next: string | undefined;
}

/** The registry of endpoints in the webhooks table: one row for each, under `ENDPOINTS`. */
export class Endpoints {
  private readonly partition: Partition;

  constructor(client: DynamoDBClient, table: string) {
    this.partition = new Partition(client, table, registry);
  }

  async list(): Promise<Endpoint[]> {
    return (await this.partition.range(' ', afterLast)).map(endpointOf);
  }

  /** All endpoints, by name and a page at a time: those after a name first, then those up to it. */
  async *pages(start: string): AsyncGenerator<readonly Endpoint[]> {
    for (const isFirst of start ? [true, false] : [true]) {
      let after: string | undefined = isFirst ? start : '';
      while (after !== undefined) {
        const part: EndpointPart = await this.part(after, pageSize);
        yield isFirst ? part.endpoints : part.endpoints.filter(({ name }) => name <= start);
        after = isFirst || (part.next ?? start) < start ? part.next : undefined;
      }
    }
  }

  /** The endpoints whose names come after a text, which is empty for the first: at most `limit`, and at most 1 MB of them. */
  async part(after: string, limit: number): Promise<EndpointPart> {
    const { rows, last } = await this.partition.page(`${after} `, afterLast, limit);
    return { endpoints: rows.map(endpointOf), next: last };
  }

  async find(name: string): Promise<Endpoint | undefined> {
    const [row] = await this.partition.range(name, name);
    return row && endpointOf(row);
  }

  /** @returns false when there is one of that name already */
  create(endpoint: Endpoint): Promise<boolean> {
    return this.partition.put(endpoint.name, { ...endpoint }, { condition: 'attribute_not_exists(pk)' });
  }

  /** @returns false when the endpoint has changed since it was read */
  replace(read: Endpoint, changed: Endpoint): Promise<boolean> {
    return this.partition.put(
      read.name,
      { ...changed, rev: read.rev + 1 },
      { condition: 'createdAt = :createdAt AND rev = :rev', values: { createdAt: read.createdAt, rev: read.rev } },
    );
  }

  async remove(name: string): Promise<void> {
    await this.partition.delete(name);
  }

  /** Writes down an endpoint's health, together with the event it is worth; as {@link replace} otherwise. */
  commitHealth(read: Endpoint, { health, disabledBecause, body }: EndpointHealthChange): Promise<boolean> {
    return this.replace(read, {
      ...read,
      health,
      ...(disabledBecause && { disabledBecause, status: 'disabled' }),
      pending: [...(read.pending ?? []), body],
    });
  }

  /** Takes the published events off an endpoint, unless it has changed since it was read. */
  async clearPending(read: Endpoint): Promise<void> {
    await this.replace(read, { ...read, pending: undefined });
  }
}
