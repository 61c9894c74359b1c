import type { IncomingMessage } from 'node:http';
import type { ZodMiniType } from 'zod/mini';
import { routed } from '#functions/operator/routes.ts';

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
  readonly text: string;
}

/**
 * Faults of a request that the operator API would have to take, by the schemas that it checks requests with.
 *
 * @returns nothing when it is as documented
 */
export function faultsOf({ method, url, body }: SeenRequest): string[] {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  try {
    const { route, params } = routed({ method, path: pathname });
    if (!('run' in route)) return [];
    const query = Object.fromEntries(searchParams);
    const problems = [...problemsWith(route.params, params), ...problemsWith(route.query, query)];
    if (route.body) problems.push(...problemsWith(route.body, body ?? {}));
    return problems.map((problem) => `${method} ${url}: ${problem}`);
  } catch (error) {
    return [`${method} ${url}: ${(error as Error).message}`];
  }
}

const problemsWith = (schema: ZodMiniType, value: unknown): string[] =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
