import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem, problemAnswer } from '#functions/operator/api/problem.ts';
import { operations } from '#functions/operator/operations.ts';
import type { OperatorAnswer, OperatorEvent } from '#functions/operator/routes.ts';
import type { OperatorVariables } from '#infra/config/function-variables.ts';
import { contents, DataFolderError, writeOwnFile } from '#infra/local/data/data-folder.ts';
import { lambdaContext, setEnvironment } from '#infra/local/services/lambda.ts';
import { newSecret, serveOnLoopback, withToken } from '#infra/loopback/loopback-guard.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import manifest from '../../package.json' with { type: 'json' };

/** Timeout in milliseconds, as on AWS, where an on-demand poll must fit in. */
const functionTimeoutMs = 140_000;

/** Bytes kept of a body: above the API's limit, so that the API itself refuses larger ones. */
const mostBytes = 1024 * 1024;

/**
 * Serves the operator API, with the handler that runs on AWS, on a free port of the loopback interface. `file` has
 * address and token, readable by its owner alone.
 *
 * @param data folder for that file; without it a temporary folder
 * @throws DataFolderError if it cannot write address and token
 */
export async function startOperator(
  environment: Omit<OperatorVariables, 'OPENAPI_FILE' | 'NOTIFIER_VERSION'>,
  data: string | undefined,
  onChange: (request: string, status: number) => void,
) {
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
      return problemAnswer(new Problem(500, 'the request could not be read to its end'));
    }
  };
  const token = newSecret();
  const { url, close } = await serveOnLoopback(server, withToken(token));
  const file = join(data ?? folder, contents.operator);
  writeOwnFile(file, `${JSON.stringify({ url, token })}\n`);
  return {
    url,
    token,
    file,
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
function eventOf({ method, url = '' }: http.IncomingMessage, body: Buffer): OperatorEvent {
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
