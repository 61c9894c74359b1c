import http from 'node:http';
import { text } from 'node:stream/consumers';
import { serveOnLoopback, withAccessKey } from '#infra/loopback/loopback-guard.ts';

/** Function that takes an event, and answers with a value for JSON. */
export type InvokedFunction = (event: unknown) => Promise<unknown>;

export type Invocations = Awaited<ReturnType<typeof startInvocations>>;

const pathPattern = /^\/2015-03-31\/functions\/([\w-]+)\/invocations$/;

/**
 * Serves invocations of local functions, in the form of Lambda's API, on a free port of the loopback interface.
 *
 * @param functions by name; later additions count
 * @param accessKeyId required in the signature of invocations
 */
export async function startInvocations(functions: ReadonlyMap<string, InvokedFunction>, accessKeyId: string) {
  const server = http.createServer(async (request, response) => {
    const [, name = ''] = pathPattern.exec(request.url ?? '') ?? [];
    const body = await text(request);
    const invoked = functions.get(name);
    if (invoked && request.method === 'POST') return invoke(invoked, body, response);
    const type = 'ResourceNotFoundException';
    response.writeHead(404, { 'content-type': 'application/json', 'x-amzn-errortype': type });
    response.end(JSON.stringify({ Message: type }));
  });
  const served = await serveOnLoopback(server, withAccessKey(accessKeyId));
  return { ...served, urlOf: (name: string) => `${served.url}/2015-03-31/functions/${name}/invocations` };
}

async function invoke(invoked: InvokedFunction, body: string, response: http.ServerResponse): Promise<void> {
  try {
    const answer = JSON.stringify((await invoked(JSON.parse(body))) ?? null);
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  } catch (error) {
    const { name, message } = error as Error;
    response.writeHead(200, { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' });
    response.end(JSON.stringify({ errorType: name, errorMessage: message }));
  }
}
