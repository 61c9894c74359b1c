import { type getRows, rowName } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointHealthChange } from './health.ts';
import type { Queue } from './wake-ups.ts';

const registry = 'ENDPOINTS';
const pageSize = 100;
/** Sorts after every name, since names hold only lower-case letters, digits and hyphens. */
const afterLast = '{';

export const endpointKey = (name: string): Key => ({ pk: registry, sk: name });

export function endpointOf(row: Item): Endpoint {
  const { pk, sk, ...endpoint } = row;
  return endpoint as Endpoint;
}

/** Finds an endpoint among rows read by {@link getRows}. */
export function endpointIn(rows: ReadonlyMap<string, Item>, name: string): Endpoint | undefined {
  const row = rows.get(rowName(endpointKey(name)));
  return row && endpointOf(row);
}

/** Dependencies of everything that handles deliveries. */
export interface WebhookDependencies extends TableSource {
  readonly wakeUps: Queue;
  readonly now: () => Date;
  readonly steady: () => number;
}

/** A page of endpoints, and the name after which the next page starts; undefined on the last page. */
export interface EndpointPart {
  readonly endpoints: readonly Endpoint[];
  readonly next: string | undefined;
}

const rowsOf = ({ dynamo, table }: TableSource): Partition => new Partition(dynamo, table, registry);

export const listEndpoints = async (source: TableSource): Promise<Endpoint[]> =>
  (await rowsOf(source).range(' ', afterLast)).map(endpointOf);

/** Pages through all endpoints by name: first those after `start`, then those up to it. */
export async function* endpointPages(source: TableSource, start: string): AsyncGenerator<readonly Endpoint[]> {
  for (const isFirst of start ? [true, false] : [true]) {
    let after: string | undefined = isFirst ? start : '';
    while (after !== undefined) {
      const part: EndpointPart = await endpointsAfter(source, after, pageSize);
      yield isFirst ? part.endpoints : part.endpoints.filter(({ name }) => name <= start);
      after = isFirst || (part.next ?? start) < start ? part.next : undefined;
    }
  }
}

/** Reads the endpoints after a name, or the first ones after `''`: at most `limit`, and at most 1 MB. */
export async function endpointsAfter(source: TableSource, after: string, limit: number): Promise<EndpointPart> {
  const { rows, last } = await rowsOf(source).page(`${after} `, afterLast, limit);
  return { endpoints: rows.map(endpointOf), next: last };
}

export const findEndpoint = async (source: TableSource, name: string): Promise<Endpoint | undefined> =>
  (await rowsOf(source).range(name, name)).map(endpointOf)[0];

/** @returns false when the name is taken */
export const createEndpoint = (source: TableSource, endpoint: Endpoint): Promise<boolean> =>
  rowsOf(source).put(endpoint.name, { ...endpoint }, { condition: 'attribute_not_exists(pk)' });

/** @returns false when the endpoint has changed since it was read */
export function replaceEndpoint(
  source: TableSource,
  { name, createdAt, rev }: Endpoint,
  changed: Endpoint,
): Promise<boolean> {
  const unchanged = { condition: 'createdAt = :createdAt AND rev = :rev', values: { createdAt, rev } };
  return rowsOf(source).put(name, { ...changed, rev: rev + 1 }, unchanged);
}

export const deleteEndpoint = (source: TableSource, name: string): Promise<boolean> => rowsOf(source).delete(name);

/** Stores an endpoint's health together with the event that reports it, as {@link replaceEndpoint} does. */
export const commitHealth = (
  source: TableSource,
  read: Endpoint,
  { health, disabledBecause, body }: EndpointHealthChange,
): Promise<boolean> =>
  replaceEndpoint(source, read, {
    ...read,
    health,
    ...(disabledBecause && { disabledBecause, status: 'disabled' }),
    pending: [...(read.pending ?? []), body],
  });

/** Removes published events from an endpoint, unless it has changed since it was read. */
export const clearPending = (source: TableSource, read: Endpoint): Promise<boolean> =>
  replaceEndpoint(source, read, { ...read, pending: undefined });
