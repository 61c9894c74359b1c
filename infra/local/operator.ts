import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperatorVariables } from '#functions/lambda/environment.ts';
import { operations } from '#functions/operator/operations.ts';
import type { OperatorAnswer, OperatorEvent } from '#functions/operator/routes.ts';
import { contents, DataFolderError, writeOwnFile } from '#infra/local/data/data-folder.ts';
import { lambdaContext, setEnvironment } from '#infra/local/services/lambda.ts';
import { guardServer, listenOnLoopback, newSecret, withToken } from '#infra/loopback/loopback-guard.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import manifest from '../../package.json' with { type: 'json' };

/** The operator API of a local run. */
export interface LocalOperator {
  /** Its address on this machine. */
  readonly url: string;
  /** File with the address and the token that lets in; its owner alone can read it. */
  readonly file: string;
  /** Ends it; what is under way is cut off. */
  stop(): Promise<void>;
}

/** Where it is served. */
export interface LocalOperatorOptions {
  readonly environment: Omit<OperatorVariables, 'OPENAPI_FILE' | 'NOTIFIER_VERSION'>;
  /** Folder for address and token; without it they are in a folder of the run's own. */
  readonly data: string | undefined;
  /** Told of each change that was asked for. */
  readonly onChange: (request: string, status: number) => void;
}

/** Milliseconds that a request may take: with a poll, as long as on AWS. */
const functionTimeout = 140_000;

/** Bytes of a body that are read: more than the API takes, so that it can say so. */
const mostBytes = 1024 * 1024;

/**
 * Serves the operator API, through the very handler that runs on AWS, on a free port of the loopback interface.
 *
 * @throws DataFolderError when address and token cannot be written down
 */
export async function startOperator({ environment, data, onChange }: LocalOperatorOptions): Promise<LocalOperator> {
  // What a deployment puts beside the bundle.
  const folder = temporaryFolder();
  const OPENAPI_FILE = join(folder, 'openapi.json');
  writeOwnFile(OPENAPI_FILE, JSON.stringify(openApiDocument(operations)));
  setEnvironment({ ...environment, OPENAPI_FILE, NOTIFIER_VERSION: manifest.version });
  const { handler } = await import('#functions/operator/operator.lambda.ts');
  // Node's own 16 KB are less than a query may have.
  const server = http.createServer({ maxHeaderSize: 128 * 1024 }, async (request, response) => {
    const { statusCode, headers, body } = await answered(request);
    response.writeHead(statusCode ?? 200, headers as http.OutgoingHttpHeaders).end(body);
    if (request.method !== 'GET') onChange(`${request.method} ${request.url}`, statusCode ?? 200);
  });
  const answered = async (request: http.IncomingMessage): Promise<OperatorAnswer> => {
    try {
      return await handler(eventOf(request, await bytesOf(request)), lambdaContext('operator', functionTimeout));
    } catch {
      return problem(500, 'the request could not be read to its end');
    }
  };
  const token = newSecret();
  guardServer(server, withToken(token));
  const url = await listenOnLoopback(server);
  const file = join(data ?? folder, contents.operator);
  writeOwnFile(file, `${JSON.stringify({ url, token })}\n`);
  return {
    url,
    file,
    async stop() {
      rmSync(file, { force: true });
      rmSync(folder, { recursive: true });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'transfer-notifier-'));
  } catch (error) {
    throw new DataFolderError(
      `the folder for temporary files cannot be used (${(error as Error).message}): mend it, or name another one in TMPDIR`,
    );
  }
}

const problem = (status: number, detail: string): OperatorAnswer => ({
  statusCode: status,
  headers: { 'content-type': 'application/problem+json' },
  body: JSON.stringify({ type: 'about:blank', title: http.STATUS_CODES[status], status, detail }),
});

async function bytesOf(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    // The rest is read, too, but not kept: otherwise the answer would be lost.
    if (length <= mostBytes) chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** The event that a function URL would make of a request. */
function eventOf(request: http.IncomingMessage, body: Buffer): OperatorEvent {
  const { method = '', url = '/', headers } = request;
  const at = url.indexOf('?');
  const rawPath = at < 0 ? url : url.slice(0, at);
  const rawQueryString = at < 0 ? '' : url.slice(at + 1);
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : `${before},${value}`);
  }
  const time = new Date();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(query.size > 0 && { queryStringParameters: Object.fromEntries(query) }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName: headers.host ?? '',
      domainPrefix: 'local',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
      requestId: 'local',
      routeKey: '$default',
      stage: '$default',
      time: time.toISOString(),
      timeEpoch: time.getTime(),
    },
    ...(body.length > 0 && { body: body.toString('base64') }),
    isBase64Encoded: body.length > 0,
  };
}
