import type { Logger } from '@aws-lambda-powertools/logger';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type * as z from 'zod/mini';
import { decode } from '#functions/http/proxy.ts';
import type { Operation, OperatorDependencies } from '#functions/operator/api/operation.ts';
import { invalid, notFound, Problem, problemAnswer, problemOf } from '#functions/operator/api/problem.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { operations } from './operations.ts';

export type OperatorEvent = APIGatewayProxyEventV2;
export type OperatorAnswer = APIGatewayProxyStructuredResultV2;

/** Largest body of a request in bytes: an endpoint may name 1,000 mailboxes of 254 bytes. */
const largestBody = 256 * 1024;
/** Milliseconds at the end of an invocation to finish work in progress. */
export const shutdownReserveMs = 10_000;

/** Routes, each with a form that has a group for every parameter of a path such as `/watches/{direction}/{mailbox}`. */
const routes = [...operations, { method: 'GET', path: '/openapi.json' } as const].map((route) => ({
  route,
  form: new RegExp(`^${route.path.replace('.', '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`),
}));

export function operatorHandler(
  dependencies: () => Promise<OperatorDependencies>,
  document: () => string,
  logger: Pick<Logger, 'info' | 'error'>,
) {
  const answer = async (event: OperatorEvent, msLeft: number): Promise<OperatorAnswer> => {
    let log: ((status: number) => void) | undefined;
    try {
      const { route, params } = routed(event.requestContext.http);
      if (!('run' in route)) return jsonAnswer(200, document());
      const input = {
        params: checked(route.params, params),
        query: checked(route.query, event.queryStringParameters ?? {}),
        body: bodyOf(route, event),
      };
      const change = { who: whoAsks(event), operation: route.id, target: route.target(input) };
      if (route.method !== 'GET') log = (status) => logger.info('operator', { ...change, status });
      const deps = await dependencies();
      const deadline = deps.webhooks.steady() + msLeft - shutdownReserveMs;
      const result = await route.run(deps, { ...input, deadline });
      log?.(route.status);
      return route.status === 204 ? { statusCode: 204 } : jsonAnswer(route.status, JSON.stringify(result));
    } catch (error) {
      log?.(problemOf(error)?.status ?? 500);
      throw error;
    }
  };
  // Middy answers before Lambda ends an invocation that takes too long.
  return middy<OperatorEvent, OperatorAnswer>()
    .handler((event, context) => answer(event, context.getRemainingTimeInMillis()))
    .onError((request) => {
      const problem = problemOf(request.error);
      if (!problem) logger.error('operator', { error: request.error as Error });
      request.response = problemAnswer(problem ?? new Problem(500, 'something broke here; the logs tell what'));
    });
}

/** Finds the route of a request with its parameters. @throws Problem for an unknown one */
export function routed({ method, path }: { readonly method: string; readonly path: string }) {
  const found = routes.filter(({ form }) => form.test(path));
  const chosen = found.find(({ route }) => route.method === method);
  if (found.length === 0) throw notFound('such route; GET /openapi.json lists them');
  const allow = found.map(({ route }) => route.method);
  if (!chosen) throw new Problem(405, `expected ${allow.join(' or ')}`, { allow });
  // A part that cannot be decoded stays unchanged for the schema to refuse.
  const parts = Object.entries(chosen.form.exec(path)?.groups ?? {}).map(([name, value]) => [name, decode(value)]);
  return { route: chosen.route, params: Object.fromEntries(parts) as Record<string, string> };
}

/** The principal authorized by the function URL; clients of the local run have none. */
function whoAsks({ requestContext }: OperatorEvent): string {
  const { authorizer } = requestContext as { authorizer?: { iam?: { userArn?: string } } };
  return authorizer?.iam?.userArn ?? 'local';
}

function bodyOf(operation: Operation, { body, isBase64Encoded }: OperatorEvent): unknown {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > largestBody)
    throw new Problem(413, `expected a body of at most ${largestBody} bytes, got ${bytes.length}`);
  const text = new TextDecoder().decode(bytes);
  const json = text.trim() === '' ? {} : jsonOf(text);
  // The message omits the text, which may hold a secret.
  if (json === undefined) throw invalid([{ path: '', message: 'expected a body in JSON' }]);
  if (operation.body) return checked(operation.body, json);
  if (JSON.stringify(json) !== '{}') throw invalid([{ path: '', message: 'expected no body' }]);
  return json;
}

/** @throws Problem that lists every mistake, but repeats no value */
function checked<Schema extends z.ZodMiniType>(schema: Schema, input: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(input);
  if (!error) return data;
  throw invalid(error.issues.flatMap(problemsOfIssue));
}

function problemsOfIssue(issue: z.core.$ZodIssue) {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'expected no such field' }));
  const message = issue.message.startsWith('expected ') ? issue.message : expectation(issue);
  return [{ path: issue.path.join('.'), message }];
}

const kinds: Readonly<Record<string, string>> = { string: 'a text', int: 'a whole number', boolean: 'true or false' };

/** The message for an issue whose schema has none. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${kinds[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `expected ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}`;
  return 'expected something else; GET /openapi.json tells what';
}

const jsonAnswer = (statusCode: number, body: string): OperatorAnswer => ({
  statusCode,
  // No cache may keep secrets, which are shown only once.
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body,
});
