import { STATUS_CODES } from 'node:http';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { CursorError } from '#functions/dynamodb/index-pages.ts';
import { RowError } from '#functions/dynamodb/row-reader.ts';
import { HttpError } from '#functions/http/http-error.ts';
import { EnvironmentError } from '#functions/lambda/environment.ts';
import { SecretError } from '#functions/lambda/secret.ts';
import { EndpointError } from '#functions/webhooks/endpoints/settings.ts';

interface FieldProblem {
  /** Path of the field, for example `headers.x-tenant`; `''` for the whole input. */
  readonly path: string;
  readonly message: string;
}

interface ProblemParts {
  readonly problems?: readonly FieldProblem[];
  /** One word for a failure of the Cryptshare Server. */
  readonly cause?: string;
  readonly retryAfterSeconds?: number | undefined;
  readonly allow?: readonly string[];
}

/** Thrown for a request that fails; answered as problem details of RFC 9457. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly parts: ProblemParts;

  /** @param detail problem and remedy, for people */
  constructor(status: number, detail: string, parts: ProblemParts = {}) {
    super(detail);
    this.status = status;
    this.parts = parts;
  }
}

export function invalid(problems: readonly FieldProblem[]): Problem {
  const texts = problems.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  return new Problem(400, texts.join('; '), { problems });
}

export const notFound = (what: string): Problem => new Problem(404, `there is no ${what}`);

/** @throws Problem unless it was found */
export function existing<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw notFound(what);
  return found;
}

/** Translates an error for the client; undefined for an internal error. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof EndpointError) return problemOfEndpoint(error);
  if (error instanceof CryptshareFailure) return problemOfServer(error);
  if (error instanceof CursorError) return badCursor();
  if (error instanceof RowError) return new Problem(500, `${error.message}; correct or delete it in the table`);
  if (error instanceof EnvironmentError || error instanceof SecretError) return new Problem(503, error.message);
  if (error instanceof Error && error.name === 'ConditionalCheckFailedException')
    return new Problem(409, 'it has changed since it was read; look at it again');
  return undefined;
}

export const badCursor = (): Problem =>
  invalid([{ path: 'cursor', message: 'expected the next of an answer to the same question; begin without a cursor' }]);

export function problemAnswer({ status, message, parts }: Problem): APIGatewayProxyStructuredResultV2 {
  const { retryAfterSeconds, allow, ...rest } = parts;
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, ...rest };
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
      ...(allow && { allow: allow.join(', ') }),
    },
    body: JSON.stringify(body),
  };
}

function problemOfEndpoint({ kind, message, problems }: EndpointError): Problem {
  if (kind !== 'invalid') return new Problem(kind === 'missing' ? 404 : 409, message);
  return invalid(
    problems.map((problem) => {
      const [path = '', ...rest] = problem.split(': ');
      return { path, message: rest.join(': ') };
    }),
  );
}

function problemOfServer({ kind, message, remedy, retryAfterMs }: CryptshareFailure): Problem {
  const status = kind === 'code_rejected' ? 422 : kind === 'throttled' ? 429 : 502;
  const retryAfterSeconds = retryAfterMs && Math.ceil(retryAfterMs / 1000);
  return new Problem(status, `${message}; ${remedy}`, { cause: kind, retryAfterSeconds });
}

/** The problem with a service of AWS that gave no whole answer; any other error stays as it is. */
export function unanswered(error: Error, service: string, late: string): Error {
  if (!(error instanceof HttpError)) return error;
  const { failure, code = error.message } = error;
  const lost = `${service} cannot be reached (${code}): ask again, and see whether the VPC, if any, has a way to it`;
  return new Problem(502, failure === 'network' ? lost : late);
}
