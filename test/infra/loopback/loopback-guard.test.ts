import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWebhookReceiver, type WebhookReceiver } from '#infra/local/demo/webhook-receiver.ts';
import { type EmbeddedServices, startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { type Invocations, startInvocations } from '#infra/local/services/invocations.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';

let services: EmbeddedServices;
let invocations: Invocations;
let cryptshare: CryptshareServer;
let receiver: WebhookReceiver;
const invoked: unknown[] = [];

beforeAll(async () => {
  services = await startEmbeddedServices();
  const poll = async (event: unknown) => invoked.push(event);
  invocations = await startInvocations(new Map([['poll', poll]]), services.sdkEnvironment.AWS_ACCESS_KEY_ID!);
  cryptshare = await startCryptshareServer();
  receiver = await startWebhookReceiver(
    () => false,
    () => {},
  );
});
afterAll(() => Promise.all([services.close(), invocations.close(), cryptshare.close(), receiver.close()]));

/** Request that a server accepts, with its credentials. */
interface Accepted {
  readonly url: string;
  readonly method?: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** Status of the answer. */
  readonly status: number;
}

/** Builds a signed request, by default with the access key of this run. */
const signed =
  (service: string, endpoint: () => string, request: Partial<Accepted> = {}) =>
  (accessKeyId = services.sdkEnvironment.AWS_ACCESS_KEY_ID): Accepted => {
    const scope = `Credential=${accessKeyId}/20261124/us-east-1/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0`;
    return { url: endpoint(), body: '{}', status: 200, ...request, headers: { authorization, ...request.headers } };
  };

const queues = () => services.sdkEnvironment.AWS_ENDPOINT_URL_SQS!;
const servers: Record<string, (accessKeyId?: string) => Accepted> = {
  DynamoDB: signed('dynamodb', () => services.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!, {
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-date': '20261124T000000Z',
      'x-amz-target': 'DynamoDB_20120810.ListTables',
    },
  }),
  SNS: signed('sns', queues, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=ListTopics&Version=2010-03-31',
  }),
  SQS: signed('sqs', queues, {
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ListQueues' },
  }),
  'health page of SNS and SQS': signed('sqs', () => `${queues()}/health`, { method: 'GET', body: '' }),
  invocations: signed('lambda', () => invocations.urlOf('poll')),
  'simulated server': () => ({ url: `${cryptshare.url}/control/tokens`, method: 'DELETE', headers: {}, status: 204 }),
  'demo receiver': () => ({ url: receiver.urlOf('crm'), headers: {}, body: '{}', status: 401 }),
};
const names = Object.keys(servers);
const withCredentials = names.filter((name) => !/simulated|demo/.test(name));

/** Sends a request head as it is. @returns the whole answer, empty if the connection is cut */
async function raw(url: string, head: string, body = ''): Promise<string> {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.end(`${head}\r\n\r\n${body}`);
  return text(socket).catch(() => '');
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

/** Sends an accepted request with another start or other lines; `undefined` omits a line. */
async function ask(
  accepted: Accepted,
  lines: Record<string, string | undefined> = {},
  start?: string,
): Promise<string> {
  const { url, method = 'POST', headers, body = '' } = accepted;
  const { host, pathname } = new URL(url);
  const all = { host, ...headers, connection: 'close', 'content-length': String(body.length), ...lines };
  const head = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return raw(url, [start ?? `${method} ${pathname} HTTP/1.1`, ...head].join('\r\n'), body);
}

describe.each(names)('%s', (name) => {
  const accepted = () => servers[name]!();

  it('accepts requests of local programs by each name of this machine', async () => {
    const { port } = new URL(accepted().url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`, '127.0.0.1']) {
      expect(statusOf(await ask(accepted(), { host }))).toBe(accepted().status);
    }
  });

  it('refuses requests of pages in browsers, whatever their origin', async () => {
    const origins = ['https://evil.example', 'null', 'http://127.0.0.1', new URL(accepted().url).origin, ''];
    for (const origin of origins) expect(statusOf(await ask(accepted(), { origin }))).toBe(403);
    for (const site of ['cross-site', 'same-site', 'same-origin'])
      expect(statusOf(await ask(accepted(), { 'sec-fetch-site': site }))).toBe(403);
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await ask(accepted(), preflight, `OPTIONS ${new URL(accepted().url).pathname} HTTP/1.1`);
    expect(statusOf(answer)).toBe(403);
    expect(answer).not.toMatch(/access-control-allow/i);
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i);
  });

  it('refuses other host names, and requests with none or two', async () => {
    const { port } = new URL(accepted().url);
    const hosts = ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', 'evil.example@127.0.0.1'];
    const others = [
      '',
      '0.0.0.0',
      '127.1',
      '2130706433',
      '[::]',
      '[::ffff:127.0.0.1]',
      'localhost.',
      'a.localhost',
      '127.0.0.1:',
    ];
    for (const host of [...hosts, ...others]) {
      for (const named of [host, `${host}:${port}`])
        expect(statusOf(await ask(accepted(), { host: named }))).toBeOneOf([400, 403]);
    }
    expect(statusOf(await ask(accepted(), { host: undefined }))).toBe(400);
    const { pathname } = new URL(accepted().url);
    const { method = 'POST' } = accepted();
    expect(statusOf(await ask(accepted(), { host: undefined }, `${method} ${pathname} HTTP/1.0`))).toBe(403);
    expect(statusOf(await ask(accepted(), { Host: 'evil.example' }))).toBeOneOf([400, 403]);
    expect(statusOf(await ask(accepted(), {}, `${method} http://evil.example${pathname} HTTP/1.1`))).toBe(400);
  });

  it('opens no tunnel and no WebSocket', async () => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'a',
      'sec-websocket-version': '13',
    };
    expect(statusOf(await ask(accepted(), upgrade, `GET ${new URL(accepted().url).pathname} HTTP/1.1`))).toBe(403);
    expect(statusOf(await ask(accepted(), {}, 'CONNECT 127.0.0.1:1 HTTP/1.1'))).toBeOneOf([0, 400, 403]);
  });
});

describe('embedded services', () => {
  it.each(withCredentials)('refuses requests to %s without the access key of this run (P23)', async (name) => {
    const before = invoked.length;
    const key = services.sdkEnvironment.AWS_ACCESS_KEY_ID!;
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    for (const given of ['local', '', key.slice(1), `${key}0`, key.toUpperCase().replace(/^\w/, 'G')]) {
      expect(statusOf(await ask(servers[name]!(given)))).toBe(403);
    }
    for (const authorization of [undefined, '', key, `Bearer ${key}`, `AWS ${key}:x`]) {
      const answer = await ask(servers[name]!(), { authorization });
      expect(statusOf(answer)).toBe(403);
      expect(answer).not.toContain(key);
    }
    expect(invoked).toHaveLength(before);
  });

  it('makes new credentials at each start', async () => {
    const other = await startEmbeddedServices();
    const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = other.sdkEnvironment;
    await other.close();
    expect(new Set([key, secret, ...Object.values(services.sdkEnvironment)]).size).toBeGreaterThanOrEqual(6);
  });

  it('answers SDK clients with other credentials by UnrecognizedClientException', async () => {
    const sdk = { region: 'us-east-1', credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' } };
    const { AWS_ENDPOINT_URL_DYNAMODB = '', AWS_ENDPOINT_URL_SQS = '' } = services.sdkEnvironment;
    const dynamo = new DynamoDBClient({ ...sdk, endpoint: AWS_ENDPOINT_URL_DYNAMODB });
    const sqs = new SQSClient({ ...sdk, endpoint: AWS_ENDPOINT_URL_SQS });
    const unknown = { name: 'UnrecognizedClientException', $metadata: { httpStatusCode: 403, attempts: 1 } };
    await expect(dynamo.send(new ListTablesCommand())).rejects.toMatchObject(unknown);
    await expect(sqs.send(new ListQueuesCommand())).rejects.toMatchObject(unknown);
    const own = new SNSClient({ ...sdkSettings(services.sdkEnvironment), endpoint: AWS_ENDPOINT_URL_SQS });
    expect((await own.send(new ListTopicsCommand())).Topics ?? []).toEqual([]);
    for (const client of [dynamo, sqs, own]) client.destroy();
  });
});

describe('/control', () => {
  it.each(['text/plain', 'multipart/form-data; boundary=a', 'application/x-www-form-urlencoded'])(
    'refuses forms of pages as %s, even without Origin',
    async (type) => {
      const transfer = { sender: 'a@example.com', to: ['b@example.com'], state: 'ACTIVE', count: 1 };
      // As a browser encodes a field whose name is a JSON text.
      const forms: Record<string, string> = {
        'text/plain': `${JSON.stringify(transfer).slice(0, -1)},"a":"="}\r\n`,
        'application/x-www-form-urlencoded': `${encodeURIComponent(JSON.stringify(transfer))}=`,
      };
      const body = forms[type] ?? '--a\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--a--\r\n';
      for (const path of ['seed', 'transfers', 'faults', 'clients', 'transfers/T-1/purge']) {
        const form = { url: `${cryptshare.url}/control/${path}`, headers: { 'content-type': type }, body, status: 400 };
        expect(statusOf(await ask(form))).toBeOneOf([400, 415]);
      }
    },
  );
});
