import type { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import type { Deadline } from '#functions/clock/instants.ts';
import type { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import type { Tokens } from '#functions/cryptshare/tokens.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import type { IncidentRows } from '#functions/watches/incident-rows.ts';
import type { WatchStates } from '#functions/watches/watch-states.ts';
import type { Watches } from '#functions/watches/watches.ts';
import type { DeliveryDependencies } from '#functions/webhooks/deliveries/deliveries.ts';
import type { StoredEvents } from '#functions/webhooks/deliveries/stored-events.ts';
import type { EndpointLifeDependencies } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { SignedAddress } from './signed-aws-request.ts';
import type { InspectedTopics } from './topic-subscriptions.ts';

export interface OperatorDependencies {
  readonly version: string;
  readonly transfers: {
    /** Origin of the Cryptshare Server. */
    readonly origin: string;
    readonly watches: Watches;
    readonly states: WatchStates;
    readonly incidentRows: Pick<IncidentRows, 'mend'>;
    readonly calls: ServerCalls;
    readonly tokens: Pick<Tokens, 'verify' | 'stored'>;
    /** Milliseconds between two polls of a quiet watch; undefined for the interval of other watches. */
    readonly quietIntervalMs?: number | undefined;
  };
  /** Invocation URL of the poll function. */
  readonly pollFunction: SignedAddress;
  readonly webhooks: EndpointLifeDependencies & DeliveryDependencies & { readonly events: StoredEvents };
  /** Both tables as a whole. */
  readonly tables: Readonly<Record<'transfers' | 'webhooks', TableSource>>;
  /** Queues to inspect, with their URLs by the kind of message. */
  readonly queues: { readonly sqs: Pick<SQSClient, 'send'>; readonly urls: Readonly<Record<string, string>> };
  readonly topics: InspectedTopics;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

export interface OperationInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly deadline: Deadline;
}

type Schema = z.ZodMiniType;

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

/**
 * Defines an operation; its types follow from its schemas. Its answer must fit `infra/api/answers.ts`, and
 * `infra/api/documentation.ts` says what it does.
 */
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
