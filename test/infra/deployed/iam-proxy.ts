import http from 'node:http';
import { text } from 'node:stream/consumers';
import { accessesOf, type Service, serviceOf } from './aws-request.ts';
import { listenOnLoopback } from './loopback-server.ts';
import { type Access, grantName, isGranted, type Statement } from './role-policy.ts';

/** Proxy between one function and AWS. */
export interface IamProxy {
  readonly url: string;
  /** Calls so far, by {@link grantName}. */
  readonly used: ReadonlySet<string>;
  close(): Promise<void>;
}

/**
 * Starts a proxy that forwards what a role allows, and refuses everything else as AWS does.
 *
 * @param endpoints where the services really are
 * @param onDenied told of each call that was refused, by {@link grantName}
 */
export async function startIamProxy(
  statements: readonly Statement[],
  endpoints: Readonly<Record<Service, string>>,
  onDenied: (grant: string) => void,
): Promise<IamProxy> {
  const used = new Set<string>();
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer(async (request, response) => {
    const body = await text(request);
    const service = serviceOf(request.headers);
    const accesses = accessesOf(service, request, body);
    const denied = accesses.find((access) => !isGranted(statements, access));
    if (denied || accesses.length === 0) {
      onDenied(denied ? grantName(denied) : `a call of ${service} to nothing`);
      return refuse(response, service, denied);
    }
    for (const access of accesses) used.add(grantName(access));
    const { method, headers } = request;
    const upstream = http.request(new URL(request.url ?? '/', endpoints[service]), { method, headers, agent });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    upstream.end(body);
  });
  const { port, close } = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    used,
    async close() {
      agent.destroy();
      await close();
    },
  };
}

function refuse(response: http.ServerResponse, service: Service, denied: Access | undefined): void {
  const message = `not authorized to perform: ${denied?.action} on resource: ${denied?.resource}`;
  if (service === 'sns') {
    response.writeHead(403, { 'content-type': 'text/xml' });
    response.end(
      `<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>${message}</Message></Error></ErrorResponse>`,
    );
    return;
  }
  if (service === 'lambda') {
    response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDeniedException' });
    response.end(JSON.stringify({ Message: message }));
    return;
  }
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ __type: 'AccessDeniedException', message }));
}
