import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { json } from 'node:stream/consumers';
import { listenOnLoopback } from './loopback-server.ts';

/** Thrown by the invocation of a function that fails, under the name of the function's own error. */
export class FunctionError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** The Lambda Runtime API for one function. */
export interface LambdaRuntime {
  /** Host and port, for `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string;
  /**
   * Invokes the function after the invocations that wait already.
   *
   * @param timeout milliseconds that the function is told it has
   * @returns what it answers
   * @throws FunctionError
   */
  invoke(event: unknown, timeout: number): Promise<unknown>;
  /** The function's process has ended: nothing more will be answered. */
  end(error: Error): void;
  close(): Promise<void>;
}

interface Invocation {
  readonly event: unknown;
  readonly timeout: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface ReportedError {
  readonly errorType: string;
  readonly errorMessage: string;
}

const root = '/2018-06-01/runtime';

/** @param functionArn told to the function with each invocation */
export async function startLambdaRuntime(functionArn: string): Promise<LambdaRuntime> {
  const waiting: Invocation[] = [];
  const inFlight = new Map<string, Invocation>();
  let idle: http.ServerResponse | undefined;
  let ended: Error | undefined;

  const handOut = () => {
    if (!idle) return;
    const invocation = waiting.shift();
    if (!invocation) return;
    const id = randomUUID();
    inFlight.set(id, invocation);
    idle.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + invocation.timeout),
      'lambda-runtime-invoked-function-arn': functionArn,
    });
    idle.end(JSON.stringify(invocation.event));
    idle = undefined;
  };
  const end = (error: Error) => {
    ended ??= error;
    for (const { reject } of [...waiting.splice(0), ...inFlight.values()]) reject(ended);
    inFlight.clear();
  };
  const errorOf = ({ errorType, errorMessage }: ReportedError) => new FunctionError(errorType, errorMessage);
  const server = http.createServer(async (request, response) => {
    const path = request.url?.slice(root.length) ?? '';
    if (path === '/invocation/next') {
      idle = response;
      return handOut();
    }
    const body = await json(request);
    const [, id = '', verb] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (path === '/init/error') end(errorOf(body as ReportedError));
    else if (verb === 'response') inFlight.get(id)?.resolve(body);
    else if (verb === 'error') inFlight.get(id)?.reject(errorOf(body as ReportedError));
    inFlight.delete(id);
    response.writeHead(202).end();
  });
  const { port, close } = await listenOnLoopback(server);
  return {
    address: `127.0.0.1:${port}`,
    invoke(event, timeout) {
      if (ended) return Promise.reject(ended);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiting.push({ event, timeout, resolve, reject });
      handOut();
      return promise;
    },
    end,
    close,
  };
}
