import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import http, { type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import type { Express } from 'express';
import type { Hono } from 'hono';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { checkReceiver } from '#infra/receivers/check/check.ts';
import { block } from '#test/docs/document-blocks.ts';

/** For modules that Vitest transforms, as Node imports no TypeScript below node_modules. */
const folder = fileURLToPath(new URL(`../../../../node_modules/.cache/checked-${process.pid}/`, import.meta.url));

const transfers = `export const applied: object[] = [];

export async function apply(event: object): Promise<void> {
  applied.push(event);
}
`;

type Handler = (request: LambdaFunctionURLEvent) => Promise<LambdaFunctionURLResult>;

const secret = newSecret();
const load = <Module>(file: string): Promise<Module> => import(`${folder}${file}`);
let servers: Record<string, Server>;
let applied: readonly object[];

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  for (const file of ['inbox', 'express', 'hono', 'lambda']) {
    writeFileSync(`${folder}${file}.ts`, block(`ts receiver ${file}`));
  }
  writeFileSync(`${folder}transfers.ts`, transfers);
  vi.stubEnv('WEBHOOK_SECRET', secret);
  ({ applied } = await load<{ applied: object[] }>('transfers.ts'));
  const { app } = await load<{ app: Express }>('express.ts');
  const { app: hono } = await load<{ app: Hono }>('hono.ts');
  const { handler } = await load<{ handler: Handler }>('lambda.ts');
  servers = {
    Express: app.listen(0, '127.0.0.1'),
    Hono: serve({ fetch: hono.fetch, port: 0, hostname: '127.0.0.1' }) as Server,
    'Lambda function URL': http.createServer(asFunctionUrl(handler)).listen(0, '127.0.0.1'),
  };
});

afterAll(() => {
  for (const server of Object.values(servers)) server.close();
  rmSync(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

/** Calls a handler as a function URL does: with every method; an exception is answered with 502. */
const asFunctionUrl =
  (handler: Handler): http.RequestListener =>
  async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('base64');
    const event = { headers: request.headers, body, isBase64Encoded: true } as unknown as LambdaFunctionURLEvent;
    const result = await handler(event).catch(() => ({ statusCode: 502 }));
    response.writeHead(typeof result === 'string' ? 200 : (result.statusCode ?? 200)).end();
  };

it.each(['Express', 'Hono', 'Lambda function URL'])(
  'the check finds nothing wrong with the documented receiver %s',
  async (name) => {
    const server = servers[name]!;
    if (!server.listening) await once(server, 'listening');
    const findings = await checkReceiver({
      url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`),
      secret,
      count: async () => applied.length,
      answerMs: 15_000,
      totalMs: 120_000,
      now: () => new Date(),
      sleep: () => new Promise((resolve) => setImmediate(resolve)),
    });
    expect(findings.filter(({ verdict }) => verdict !== 'good')).toEqual([]);
  },
);
