import type { IncomingMessage } from 'node:http';
import type { ZodMiniType } from 'zod/mini';
import { operations } from '#functions/operator/operations.ts';

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
  readonly text: string;
}

/**
 * What is wrong with a request that the operator API would have to take, by the very schemas that it checks requests with.
 *
 * @returns nothing when it is as documented
 */
export function faultsOf({ method, url, body }: SeenRequest): string[] {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const segments = pathname.split('/');
  const found = operations.find(
    (operation) => operation.method === method && fits(operation.path.split('/'), segments),
  );
  if (!found) return [`${method} ${pathname}: there is no such route`];
  const names = found.path.split('/').map((name) => /^\{(.+)\}$/.exec(name)?.[1]);
  const params = names.flatMap((name, index) =>
    name === undefined ? [] : [[name, decodeURIComponent(segments[index]!)]],
  );
  return [
    ...problemsWith(found.params, Object.fromEntries(params)),
    ...problemsWith(found.query, Object.fromEntries(searchParams)),
    ...(found.body ? problemsWith(found.body, body ?? {}) : []),
  ].map((problem) => `${method} ${url}: ${problem}`);
}

const fits = (template: readonly string[], segments: readonly string[]): boolean =>
  template.length === segments.length &&
  template.every((part, index) => part.startsWith('{') || part === segments[index]);

const problemsWith = (schema: ZodMiniType, value: unknown): string[] =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
