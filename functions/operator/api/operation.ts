import * as z from 'zod/mini';
import type { Deadline } from '#functions/clock/instants.ts';
import type { operatorDependencies } from './dependencies.ts';

export type OperatorDependencies = ReturnType<typeof operatorDependencies>;

export interface OperationInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly deadline: Deadline;
}

type Schema = z.ZodMiniType;

/** Parameters of a path, and the subject for logs that they name. */
export function on<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  nameOf: (params: z.output<z.ZodMiniObject<Shape, z.core.$strict>>) => string,
) {
  const params = z.strictObject(shape);
  return { params, target: (input: { readonly params: z.output<typeof params> }): string => nameOf(input.params) };
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

const nothing = z.strictObject({});
type Nothing = typeof nothing;

interface Definition<P extends z.ZodMiniObject, Q extends z.ZodMiniObject, B extends Schema, Answer> {
  readonly params?: P;
  readonly query?: Q;
  /** Undefined for no body; an empty object then counts as none. */
  readonly body?: B | undefined;
  /** Status of a success; 204 has no body. @default 200 */
  readonly status?: 200 | 201 | 202 | 204;
  /** The subject for logs, without mailbox, URL or secret. */
  readonly target?: (input: { readonly params: z.output<P>; readonly body: z.output<B> }) => string;
  readonly run: (
    deps: OperatorDependencies,
    input: OperationInput<z.output<P>, z.output<Q>, z.output<B>>,
  ) => Promise<Answer>;
}

/** An operation, whatever its schemas; its caller has parsed the request by them. */
export interface Operation
  extends Required<Omit<Definition<z.ZodMiniObject, z.ZodMiniObject, Schema, unknown>, 'run'>> {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly run: (deps: OperatorDependencies, input: OperationInput<unknown, unknown, unknown>) => Promise<unknown>;
}

/** Defines an operation by its schemas. Its answer must fit `infra/api/answers.ts`; `documentation.ts` describes it. */
export function operation<
  Id extends string,
  P extends z.ZodMiniObject = Nothing,
  Q extends z.ZodMiniObject = Nothing,
  B extends Schema = Nothing,
  Answer = void,
>(id: Id, route: `${Method} /${string}`, definition: Definition<P, Q, B, Answer>) {
  const [method, path = ''] = route.split(' ');
  const usual = { params: nothing, query: nothing, body: undefined, status: 200 } as const;
  const { target = () => '', run } = definition;
  return {
    ...usual,
    ...definition,
    id,
    method: method as Method,
    path,
    // Safe: the route checks each request by these schemas.
    target: target as Operation['target'],
    run: run as (...given: Parameters<Operation['run']>) => Promise<Answer>,
  } satisfies Operation;
}
