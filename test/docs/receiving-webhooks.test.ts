import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serve } from '@hono/node-server';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import type { Express } from 'express';
import type { Hono } from 'hono';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { testEvent } from '#functions/events/endpoint-event.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { defaultRetryDelays } from '#functions/webhooks/endpoints/retry-schedule.ts';
import { newPrivateKey, publicKeyOf, sign } from '#functions/webhooks/http/signature.ts';
import { block, receivingWebhooks } from './document-blocks.ts';
import { examples } from './event-schemas.ts';
import { type Headers, receiverContract, secret } from './receiver-contract.ts';

/** For modules that Vitest transforms, as Node imports no TypeScript below node_modules. */
const folder = fileURLToPath(new URL(`../../node_modules/.cache/receivers-${process.pid}/`, import.meta.url));
const typescript = ['inbox', 'express', 'hono', 'lambda', 'public-key'];

/** Stands for the module `transfers.ts` of the page, which is the reader's: stores events, and fails on demand. */
const transfers = `import type { TransferEvent } from './inbox.ts';

export const applied: TransferEvent[] = [];
export const problem = { times: 0 };

export async function apply(event: TransferEvent): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2));
  if (problem.times-- > 0) throw new Error('the database is down');
  applied.push(event);
}
`;

interface Transfers {
  readonly applied: { readonly id: string; readonly data: { readonly state: string } }[];
  readonly problem: { times: number };
}

/** Posts to a receiver. @returns the status of its answer */
type Post = (headers: Headers, body: Buffer) => Promise<number>;

const load = <Module>(file: string): Promise<Module> => import(`${folder}${file}`);

const servers: Server[] = [];
let posts: Record<string, Post>;
let yours: Transfers;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  for (const file of typescript) writeFileSync(`${folder}${file}.ts`, block(`ts receiver ${file}`));
  writeFileSync(`${folder}transfers.ts`, transfers);
  writeFileSync(`${folder}shown-transfers.ts`, block('ts receiver transfers'));
  writeFileSync(`${folder}package.json`, JSON.stringify({ type: 'module' }));
  writeFileSync(`${folder}tsconfig.json`, JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }));
  vi.stubEnv('WEBHOOK_SECRET', secret);
  const { app } = await load<{ app: Express }>('express.ts');
  const { app: hono } = await load<{ app: Hono }>('hono.ts');
  const { handler } = await load<{ handler: Handler }>('lambda.ts');
  yours = await load<Transfers>('transfers.ts');
  posts = {
    Express: await postTo(app.listen(0, '127.0.0.1')),
    Hono: await postTo(serve({ fetch: hono.fetch, port: 0, hostname: '127.0.0.1' }) as Server),
    'Lambda function URL': invoke(handler, true),
    'Lambda function URL with a body as text': invoke(handler, false),
  };
});

afterEach(() => {
  yours.problem.times = 0;
  vi.restoreAllMocks();
});

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

async function postTo(server: Server): Promise<Post> {
  servers.push(server);
  if (!server.listening) await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`;
  return async (headers, body) => {
    const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
    await response.arrayBuffer();
    return response.status;
  };
}

type Handler = (request: LambdaFunctionURLEvent) => Promise<LambdaFunctionURLResult>;

/** Calls a handler as a function URL does; an exception is answered with 502. */
const invoke =
  (handler: Handler, isBase64Encoded: boolean): Post =>
  async (headers, body) => {
    const request = { headers, body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
    try {
      const result = await handler(request as unknown as LambdaFunctionURLEvent);
      return typeof result === 'string' ? 200 : (result.statusCode ?? 200);
    } catch {
      return 502;
    }
  };

describe('receivers in docs/receiving-webhooks.md', () => {
  it('compile with the strictness of this project', async () => {
    const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
    const { stdout } = await promisify(execFile)(tsc, ['-p', folder], { cwd: folder }).catch((error) => error);
    expect(stdout).toBe('');
  });

  it('have at most 40 lines each', () => {
    for (const file of typescript.filter((each) => each !== 'inbox')) {
      expect(block(`ts receiver ${file}`).split('\n').length, file).toBeLessThanOrEqual(40);
    }
  });

  it.skipIf(spawnSync('python3', ['--version']).status !== 0)('compile in Python', () => {
    writeFileSync(`${folder}receiver.py`, block('python'));
    const { status, stderr } = spawnSync('python3', ['-m', 'py_compile', `${folder}receiver.py`], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

describe.each(['Express', 'Hono', 'Lambda function URL', 'Lambda function URL with a body as text'])('%s', (name) => {
  receiverContract({
    post: (headers, body) => posts[name]!(headers, body),
    applied: () => yours.applied,
    failOnce() {
      vi.spyOn(console, 'error').mockImplementation(() => {});
      yours.problem.times = 1;
    },
  });
});

describe('docs/receiving-webhooks.md', () => {
  it('shows a request that its secret signed', () => {
    const [, headers = '', body = ''] = /^(POST .*?)\n\n(.*)\n$/s.exec(block('text')) ?? [];
    const value = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(headers)?.[1] ?? '';
    const [exampleSecret = ''] = /whsec_\w+/.exec(receivingWebhooks) ?? [];
    const at = new Date(1000 * Number(value('webhook-timestamp')));
    expect(body).toBe(eventBody(examples.find(({ type }) => type === 'transfer.processing')!.event));
    expect(value('webhook-id')).toBe(JSON.parse(body).id);
    expect(value('webhook-signature')).toBe(new Webhook(exampleSecret).sign(value('webhook-id'), at, body));
  });

  it('shows the test event', () => {
    expect(block('json')).toBe(`${eventBody(testEvent('crm', '2024-05-22T06:58:04.120Z') as never)}\n`);
  });

  it('lists the delays between attempts', () => {
    const words = defaultRetryDelays.map((delay) => {
      if (delay < 60_000) return `${delay / 1000} s`;
      return delay < 3_600_000 ? `${delay / 60_000} min` : `${delay / 3_600_000} h`;
    });
    expect(receivingWebhooks).toContain(`${words.slice(0, -1).join(', ')} and ${words.at(-1)} later`);
  });

  it('shows a statement that keeps the newest state of a transfer', () => {
    const database = new DatabaseSync(':memory:');
    const columns = 'mailbox, direction, tracking_id, state, sequence';
    database.exec(`CREATE TABLE transfer (${columns}, PRIMARY KEY (mailbox, direction, tracking_id))`);
    const statement = database.prepare(block('sql'));
    const states = ['PROCESSING', 'DELETED_BY_EXPIRATION', 'ACTIVE', 'DELETED_BY_EXPIRATION'];
    for (const [index, sequence] of [1, 3, 2, 3].entries()) {
      statement.run({ $1: 'alice@example.com', $2: 'sent', $3: 'T1', $4: states[index]!, $5: sequence });
    }
    const rows = database.prepare('SELECT state, sequence FROM transfer').all();
    expect(rows.map((row) => ({ ...row }))).toEqual([{ state: 'DELETED_BY_EXPIRATION', sequence: 3 }]);
  });
});

describe('isSigned in docs/receiving-webhooks.md', () => {
  /** Seed and public key that Svix publishes with its signature of the message below. */
  const svix = {
    publicKey: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1614265330,
    body: '{"test": 2432232314}',
    signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
  };
  let isSigned: (publicKey: string, headers: Record<string, string | undefined>, body: Buffer) => boolean;

  beforeAll(async () => {
    ({ isSigned } = await load<{ isSigned: typeof isSigned }>('public-key.ts'));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const svixHeaders = (signature: string): Headers => ({
    'webhook-id': svix.id,
    'webhook-timestamp': String(svix.timestamp),
    'webhook-signature': signature,
  });

  it.each([
    { signature: svix.signature, late: 0, isGood: true },
    { signature: `v1,AAAA v1a,AAAA ${svix.signature}`, late: 299, isGood: true },
    { signature: svix.signature, late: 301, isGood: false },
    { signature: svix.signature, late: -301, isGood: false },
    { signature: svix.signature.replace('v1a', 'v1'), late: 0, isGood: false },
    { signature: svix.signature.replace('hn', 'hm'), late: 0, isGood: false },
    { signature: '', late: 0, isGood: false },
  ])('answers $isGood for $signature, $late s late', ({ signature, late, isGood }) => {
    vi.useFakeTimers({ now: 1000 * (svix.timestamp + late) });
    expect(isSigned(svix.publicKey, svixHeaders(signature), Buffer.from(svix.body))).toBe(isGood);
    expect(isSigned(svix.publicKey, svixHeaders(signature), Buffer.from(`${svix.body} `))).toBe(false);
  });

  it('accepts signatures of the notifier by its key alone, and refuses a request without headers', () => {
    const privateKey = newPrivateKey();
    const timestamp = Math.floor(Date.now() / 1000);
    const body = '{"note":"📦"}';
    const headers = {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign(privateKey, 'evt_1', timestamp, body),
    };
    expect(isSigned(publicKeyOf(privateKey), headers, Buffer.from(body))).toBe(true);
    expect(isSigned(publicKeyOf(newPrivateKey()), headers, Buffer.from(body))).toBe(false);
    expect(isSigned(publicKeyOf(privateKey), {}, Buffer.from(body))).toBe(false);
  });
});
