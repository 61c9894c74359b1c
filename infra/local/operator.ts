import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem, problemAnswer } from '#functions/operator/api/problem.ts';
import { operations } from '#functions/operator/operations.ts';
import type { OperatorAnswer, OperatorEvent } from '#functions/operator/routes.ts';
import type { OperatorVariables } from '#infra/config/function-variables.ts';
import type { ListenAddress } from '#infra/config/listening.ts';
import { contents, DataFolderError, writeOwnFile } from '#infra/local/data/data-folder.ts';
import { listenAsSet } from '#infra/local/process/listening.ts';
import { lambdaContext, setEnvironment } from '#infra/local/services/lambda.ts';
import { newSecret, serveOnLoopback, withToken } from '#infra/loopback/loopback-guard.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import manifest from '../../package.json' with { type: 'json' };

/** Timeout in milliseconds, as on AWS, where an on-demand poll must fit in. */
const functionTimeoutMs = 140_000;

type Asked = Pick<http.IncomingMessage, 'method' | 'url'>;

/** Bytes kept of a body: above the API's limit, so that the API itself refuses larger ones. */
const mostBytes = 1024 * 1024;

interface OperatorOptions {
  /** Folder for address and token; without it a temporary folder. */
  readonly data: string | undefined;
  /** The setting `operator.listen`; without it a free port. */
  readonly listen: string | number | undefined;
  /** Requests that only a local run answers, by method and path; each wants the token as well. */
  readonly ownRoutes: Readonly<Record<string, (response: http.ServerResponse) => Promise<void>>>;
  /** Called after each request that may have changed something. */
  readonly onChange: (request: string, status: number) => void;
}

/**
 * Serves the operator API, with the handler that runs on AWS, on the loopback interface. `file` has address and token,
 * readable by its owner alone. `read` gets what a path answers, without a request.
 *
 * @throws DataFolderError if it cannot write address and token, ListenError or ConfigError if it cannot listen
 */
export async function startOperator(
  environment: Omit<OperatorVariables, 'OPENAPI_FILE' | 'NOTIFIER_VERSION'>,
  { data, listen, ownRoutes, onChange }: OperatorOptions,
) {
  // A deployment puts this file beside the bundle.
  const folder = temporaryFolder();
  const OPENAPI_FILE = join(folder, 'openapi.json');
  writeOwnFile(OPENAPI_FILE, JSON.stringify(openApiDocument(operations)));
  setEnvironment({ ...environment, OPENAPI_FILE, NOTIFIER_VERSION: manifest.version });
  const { handler } = await import('#functions/operator/operator.lambda.ts');
  // A query may exceed Node's default of 16 KB.
  const server = http.createServer({ maxHeaderSize: 128 * 1024 }, async (request, response) => {
    const { method, url } = request;
    const own = ownRoutes[`${method} ${url}`];
    if (own) await own(response).catch(() => response.destroy());
    else {
      const { statusCode = 200, headers, body } = await answered(request);
      response.writeHead(statusCode, headers as http.OutgoingHttpHeaders).end(body);
    }
    if (method !== 'GET') onChange(`${method} ${url}`, response.statusCode);
  });
  const handled = (request: Asked, body: Buffer) =>
    handler(eventOf(request, body), lambdaContext('operator', functionTimeoutMs));
  const answered = async (request: http.IncomingMessage): Promise<OperatorAnswer> => {
    try {
      return await handled(request, await bytesOf(request));
    } catch {
      return problemAnswer(new Problem(500, 'the request could not be read to its end'));
    }
  };
  const token = newSecret();
  const serve = (address?: ListenAddress) => serveOnLoopback(server, withToken(token), address);
  const { url, close } = await (listen === undefined ? serve() : listenAsSet('operator.listen', listen, serve));
  const file = join(data ?? folder, contents.operator);
  writeOwnFile(file, `${JSON.stringify({ url, token })}\n`);
  return {
    url,
    token,
    file,
    async read<T>(path: string): Promise<T> {
      const { statusCode, body } = await handled({ method: 'GET', url: path }, Buffer.alloc(0));
      if (statusCode !== 200) throw new Error(`GET ${path} was answered ${statusCode}`);
      return JSON.parse(body!);
    },
    async close() {
      rmSync(file, { force: true });
      rmSync(folder, { recursive: true });
      await close();
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

/** Builds the event that a function URL would send for a request, as far as the function reads it. */
function eventOf({ method, url = '' }: Asked, body: Buffer): OperatorEvent {
  const [path, ...query] = url.split('?');
  const values = new URLSearchParams(query.join('?'));
  const event = {
    version: '2.0',
    requestContext: { http: { method, path } },
    queryStringParameters: Object.fromEntries([...values.keys()].map((name) => [name, values.getAll(name).join(',')])),
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
  return event as OperatorEvent;
}
