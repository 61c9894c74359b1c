import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

/** A request as every server takes it: the path, a body, and headers with the credentials that it wants. */
interface Taken {
  readonly url: string;
  readonly method?: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** What it is answered with. */
  readonly status: number;
}

const authorization = (service: string, accessKeyId = services.sdkEnvironment.AWS_ACCESS_KEY_ID) =>
  `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20261124/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;

const servers: Record<string, (accessKeyId?: string) => Taken> = {
  DynamoDB: (accessKeyId) => ({
    url: services.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
    headers: {
      authorization: authorization('dynamodb', accessKeyId),
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-date': '20261124T000000Z',
      'x-amz-target': 'DynamoDB_20120810.ListTables',
    },
    body: '{}',
    status: 200,
  }),
  SNS: (accessKeyId) => ({
    url: services.sdkEnvironment.AWS_ENDPOINT_URL_SNS!,
    headers: {
      authorization: authorization('sns', accessKeyId),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'Action=ListTopics&Version=2010-03-31',
    status: 200,
  }),
  SQS: (accessKeyId) => ({
    url: services.sdkEnvironment.AWS_ENDPOINT_URL_SQS!,
    headers: {
      authorization: authorization('sqs', accessKeyId),
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AmazonSQS.ListQueues',
    },
    body: '{}',
    status: 200,
  }),
  'the health page of SNS and SQS': (accessKeyId) => ({
    url: `${services.sdkEnvironment.AWS_ENDPOINT_URL_SQS}/health`,
    method: 'GET',
    headers: { authorization: authorization('sqs', accessKeyId) },
    status: 200,
  }),
  'the invocations': (accessKeyId) => ({
    url: invocations.urlOf('poll'),
    headers: { authorization: authorization('lambda', accessKeyId) },
    body: '{}',
    status: 200,
  }),
  'the simulated server': () => ({
    url: `${cryptshare.url}/control/tokens`,
    method: 'DELETE',
    headers: {},
    status: 204,
  }),
  'the demo receiver': () => ({ url: receiver.urlOf('crm'), headers: {}, body: '{}', status: 401 }),
};
const names = Object.keys(servers);
const withCredentials = names.filter((name) => !/simulated|demo/.test(name));

/** Sends a request head as it is, and resolves with everything that is answered; with nothing when the connection is cut. */
async function raw(url: string, head: string, body = ''): Promise<string> {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.end(`${head}\r\n\r\n${body}`);
  return text(socket).catch(() => '');
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

/** Sends what a server takes, with the start or some of its lines changed; undefined leaves one away. */
async function ask(taken: Taken, lines: Record<string, string | undefined> = {}, start?: string): Promise<string> {
  const { url, method = 'POST', headers, body = '' } = taken;
  const { host, pathname } = new URL(url);
  const all = { host, ...headers, connection: 'close', 'content-length': String(body.length), ...lines };
  const head = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return raw(url, [start ?? `${method} ${pathname} HTTP/1.1`, ...head].join('\r\n'), body);
}

describe.each(names)('%s', (name) => {
  const taken = () => servers[name]!();

  test('takes what a program of this machine sends, by each name of this machine', async () => {
    const { port } = new URL(taken().url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`, '127.0.0.1']) {
      expect(statusOf(await ask(taken(), { host }))).toBe(taken().status);
    }
  });

  test('refuses what a page in a browser sends, whatever it says it is', async () => {
    const origins = ['https://evil.example', 'null', 'http://127.0.0.1', new URL(taken().url).origin, ''];
    for (const origin of origins) expect(statusOf(await ask(taken(), { origin }))).toBe(403);
    for (const site of ['cross-site', 'same-site', 'same-origin'])
      expect(statusOf(await ask(taken(), { 'sec-fetch-site': site }))).toBe(403);
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await ask(taken(), preflight, `OPTIONS ${new URL(taken().url).pathname} HTTP/1.1`);
    expect(statusOf(answer)).toBe(403);
    expect(answer).not.toMatch(/access-control-allow/i);
  });

  test('refuses names that were made to lead to this machine, and requests that name none or two', async () => {
    const { port } = new URL(taken().url);
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
        expect(statusOf(await ask(taken(), { host: named }))).toBeOneOf([400, 403]);
    }
    expect(statusOf(await ask(taken(), { host: undefined }))).toBe(400);
    const { pathname } = new URL(taken().url);
    const { method = 'POST' } = taken();
    expect(statusOf(await ask(taken(), { host: undefined }, `${method} ${pathname} HTTP/1.0`))).toBe(403);
    expect(statusOf(await ask(taken(), { Host: 'evil.example' }))).toBeOneOf([400, 403]);
    expect(statusOf(await ask(taken(), {}, `${method} http://evil.example${pathname} HTTP/1.1`))).toBe(400);
  });

  test('opens no tunnel and no WebSocket', async () => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'a',
      'sec-websocket-version': '13',
    };
    expect(statusOf(await ask(taken(), upgrade, `GET ${new URL(taken().url).pathname} HTTP/1.1`))).toBe(403);
    expect(statusOf(await ask(taken(), {}, 'CONNECT 127.0.0.1:1 HTTP/1.1'))).toBeOneOf([0, 400, 403]);
  });
});

test.each(withCredentials)('%s does nothing for a request without the access key of this run (P23)', async (name) => {
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

test('every start has an access key of its own', async () => {
  const other = await startEmbeddedServices();
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = other.sdkEnvironment;
  await other.close();
  expect(new Set([key, secret, ...Object.values(services.sdkEnvironment)]).size).toBeGreaterThanOrEqual(6);
});

test('SDK clients with other credentials are told that these are not known', async () => {
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

test.each(['text/plain', 'multipart/form-data; boundary=a', 'application/x-www-form-urlencoded'])(
  'no form that a page posts as %s changes the simulated server, even where a browser sends no Origin',
  async (type) => {
    const transfer = { sender: 'a@example.com', to: ['b@example.com'] };
    // As a browser encodes a field whose name is a JSON text.
    const forms: Record<string, string> = {
      'text/plain': `${JSON.stringify(transfer).slice(0, -1)},"a":"="}\r\n`,
      'application/x-www-form-urlencoded': `${encodeURIComponent(JSON.stringify(transfer))}=`,
    };
    const body = forms[type] ?? '--a\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--a--\r\n';
    for (const path of ['transfers', 'faults', 'transfers/T-1/purge']) {
      const taken = { url: `${cryptshare.url}/control/${path}`, headers: { 'content-type': type }, body, status: 400 };
      expect(statusOf(await ask(taken))).toBeOneOf([400, 415]);
    }
  },
);
