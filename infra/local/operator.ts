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

export interface LocalOperator {
  readonly url: string;
  /** File with address and token, readable by its owner alone. */
  readonly file: string;
  /** Ends the API, and cuts off requests in flight. */
  stop(): Promise<void>;
}

export interface LocalOperatorOptions {
  readonly environment: Omit<OperatorVariables, 'OPENAPI_FILE' | 'NOTIFIER_VERSION'>;
  /** Folder for address and token; without it a temporary folder. */
  readonly data: string | undefined;
  readonly onChange: (request: string, status: number) => void;
}

/** Timeout in milliseconds, as on AWS, where an on-demand poll must fit in. */
const functionTimeoutMs = 140_000;

/** Bytes kept of a body: above the API's limit, so that the API itself refuses larger ones. */
const mostBytes = 1024 * 1024;

/**
 * Serves the operator API, with the handler that runs on AWS, on a free port of the loopback interface.
 *
 * @throws DataFolderError if it cannot write address and token
 */
export async function startOperator({ environment, data, onChange }: LocalOperatorOptions): Promise<LocalOperator> {
  // A deployment puts this file beside the bundle.
  const folder = temporaryFolder();
  const OPENAPI_FILE = join(folder, 'openapi.json');
  writeOwnFile(OPENAPI_FILE, JSON.stringify(openApiDocument(operations)));
  setEnvironment({ ...environment, OPENAPI_FILE, NOTIFIER_VERSION: manifest.version });
  const { handler } = await import('#functions/operator/operator.lambda.ts');
  // A query may exceed Node's default of 16 KB.
  const server = http.createServer({ maxHeaderSize: 128 * 1024 }, async (request, response) => {
    const { statusCode, headers, body } = await answered(request);
    response.writeHead(statusCode ?? 200, headers as http.OutgoingHttpHeaders).end(body);
    if (request.method !== 'GET') onChange(`${request.method} ${request.url}`, statusCode ?? 200);
  });
  const answered = async (request: http.IncomingMessage): Promise<OperatorAnswer> => {
    try {
      return await handler(eventOf(request, await bytesOf(request)), lambdaContext('operator', functionTimeoutMs));
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
    // Reads the rest without keeping it; otherwise the answer would be lost.
    if (length <= mostBytes) chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Builds the event that a function URL would send for a request. */
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
