import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricNames } from '#functions/lambda/metric-names.ts';
import { operations } from '#functions/operator/operations.ts';
import type { ShardPoll } from '#functions/poll/poll-shard.ts';
import { endpointsPerMessage } from '#functions/webhooks/engine/fan-out.ts';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import { selfSigned } from '#test/infra/local/certificate.ts';
import { eventOf } from '#test/support/operator-world.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { type Deployment, deploy, functionNames as names } from './deployment.ts';
import { alice, carol, exampleConfig } from './example-config.ts';
import { metricsIn, metricsOfAlarms } from './metric-names.ts';
import { grantsIn } from './role-policy.ts';

const clientId = 'exampleclientid'.repeat(4);
const crmSecret = newSecret();
const chatPath = '/chat-of-operators';
const chatUrl = `https://hooks.example.com${chatPath}`;

let folder: string;
let server: CryptshareServer;
let deployment: Deployment;
/** Tracking id of Alice's transfer. */
let transfer: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deployed-'));
  const tls = await selfSigned();
  server = await startCryptshareServer({ tls });
  server.verifications.registerClientId(clientId);
  writeFileSync(join(folder, 'server.pem'), tls.cert);
  deployment = await deploy(exampleConfig(folder, server.url), folder);
  deployment.receiver.secrets.set('/crm', crmSecret);
});
afterAll(async () => {
  await deployment?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

const posted: Deployment['posted'] = (matches) => deployment.posted(matches);
const settled: Deployment['settled'] = (matches) => deployment.settled(matches);

/** Polls, and counts the events published for each watch, in ascending order. */
async function publishedByPoll(): Promise<number[]> {
  const { polls } = (await deployment.tick('Poll')) as ShardPoll;
  return polls.map(({ published }) => published).toSorted((a, b) => a - b);
}

describe('deployed functions without a filled secret', () => {
  it('fail a poll with the name of the missing variable, and without any value of the secret', async () => {
    await deployment.fillSecret({ OTHER: 'placeholder' });
    const failure = await deployment.tick('Poll').catch((error: Error) => error.message);
    expect(failure).toContain('CRYPTSHARE_CLIENT_ID is missing');
    expect(failure).not.toContain(JSON.parse(await deployment.secretText()).DATA_KEY);
  });

  it('serve the document of the operator API', async () => {
    const answer = await deployment.function('Operator').invoke(eventOf('GET', '/openapi.json'));
    const { statusCode, body } = answer as { statusCode: number; body: string };
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toEqual(JSON.parse(JSON.stringify(openApiDocument(operations))));
  });

  it('declare watches, and have endpoints wait for the fields they name', async () => {
    expect(await deployment.function('Declare').invoke({})).toEqual({
      watches: 2,
      endpoints: 1,
      waiting: [
        { endpoint: 'crm', because: ['the secret has no field CRM_SECRET'] },
        { endpoint: 'chat', because: ['the secret has no field CHAT_URL'] },
        { endpoint: 'rebound', because: ['the secret has no field REBOUND_SECRET'] },
        { endpoint: 'inside', because: ['the secret has no field INSIDE_URL'] },
      ],
    });
  });
});

describe('deployed functions with a filled secret', () => {
  it('create declared endpoints, except one in a private network', async () => {
    await deployment.fillSecret({
      CRYPTSHARE_CLIENT_ID: clientId,
      CRM_SECRET: crmSecret,
      CHAT_URL: chatUrl,
      REBOUND_SECRET: newSecret(),
      INSIDE_URL: 'https://10.0.0.1/',
      // Nothing in a secret opens private networks to the deployed functions.
      ALLOW_PRIVATE_WEBHOOKS: 'yes',
    });
    expect(await deployment.function('Declare').invoke({})).toEqual({
      watches: 2,
      endpoints: 4,
      waiting: [{ endpoint: 'inside', because: ['url: expected an address on the public internet'] }],
    });
  });

  it('store a baseline in the process whose polls failed, and publish nothing', async () => {
    transfer = server.transfers.create({ sender: alice, to: ['bob@example.com'] }).trackingId;
    server.transfers.create({ sender: carol, to: ['bob@example.com'] });
    const baseline = { outcome: 'baseline', transfers: 1, published: 0 };
    expect(await deployment.tick('Poll')).toMatchObject({ polls: [baseline, baseline], skipped: 0 });
  });
});

describe('a change of a transfer', () => {
  beforeAll(async () => {
    server.transfers.setState(transfer, 'ACTIVE');
    expect(await publishedByPoll()).toEqual([0, 1]);
  });

  it('arrives as a webhook that the official library verifies', async () => {
    const { host, body } = await posted(({ path }) => path === '/crm');
    expect(host).toBe('hooks.example.com');
    expect(body).toMatchObject({
      type: 'transfer.active',
      data: { mailbox: alice, direction: 'sent', trackingId: transfer },
    });
  });

  it('is not sent to a public name with a private address', async () => {
    const delivery = await settled(({ endpoint }) => endpoint === 'rebound');
    expect(delivery).toMatchObject({ status: 'PENDING', outcome: 'failed', cause: 'forbidden_target' });
  });
});

describe('deployed sweep', () => {
  it('wakes a delivery whose retry a wrong clock has put off', async () => {
    const { event } = await settled(({ endpoint }) => endpoint === 'rebound');
    await deployment.putOff({ event, endpoint: 'rebound' });
    expect(await deployment.tick('Sweep')).toMatchObject({ woken: 1, left: 0, failed: 0 });
    const again = await settled(({ endpoint, attempt }) => endpoint === 'rebound' && attempt === 2);
    expect(again).toMatchObject({ event, cause: 'forbidden_target' });
  });

  it('announces an endpoint that answered 410, whose later deliveries are held', async () => {
    deployment.receiver.answers.set('/crm', 410);
    server.transfers.setState(transfer, 'DELETED_BY_REVOCATION');
    await deployment.tick('Poll');
    await settled(({ endpoint, reason }) => endpoint === 'crm' && reason === 'gone');
    expect(await deployment.tick('Sweep')).toMatchObject({ announced: 1, failed: 0 });
    await posted(({ path, body }) => path === chatPath && JSON.stringify(body).includes('Endpoint crm is disabled'));
    server.transfers.create({ sender: alice, to: ['bob@example.com'] });
    await deployment.tick('Poll');
    await settled(({ endpoint, reason }) => endpoint === 'crm' && reason === 'disabled');
  });

  it('wakes a delivery that was left to a process which has died', async () => {
    const { event } = await settled(({ endpoint }) => endpoint === 'rebound');
    await deployment.leaveBehind({ event, endpoint: 'rebound' });
    expect(await deployment.tick('Sweep')).toMatchObject({ woken: 1, left: 0, failed: 0 });
    const last = await settled(({ endpoint, attempt }) => endpoint === 'rebound' && attempt === 3);
    expect(last).toMatchObject({ event, status: 'FAILED', reason: 'forbidden_target' });
  });
});

describe('a change of a transfer, once a digest is due', () => {
  it('arrives in a chat', async () => {
    const { body } = await posted(({ path }) => path === chatPath);
    expect(JSON.stringify(body)).toContain(transfer);
  });
});

describe('deployed operator API', () => {
  /** Calls the function behind the URL, after IAM's checks. */
  async function ask(...asked: Parameters<typeof eventOf>): Promise<{ status: number; answer: unknown }> {
    const { statusCode, body } = (await deployment.function('Operator').invoke(eventOf(...asked))) as {
      statusCode: number;
      body?: string;
    };
    return { status: statusCode, answer: body === undefined ? undefined : JSON.parse(body) };
  }

  it.each<Parameters<typeof ask>>([
    ['GET', '/services'],
    ['GET', '/watches'],
    ['POST', '/watches', {}, JSON.stringify({ mailbox: carol, direction: 'received' })],
    ['POST', `/watches/received/${encodeURIComponent(carol)}/pause`],
    ['DELETE', `/watches/received/${encodeURIComponent(carol)}`],
    ['POST', '/mailboxes/dave%40example.com/verification'],
    ['POST', '/mailboxes/dave%40example.com/forget'],
    ['GET', '/endpoints/crm'],
    ['POST', '/endpoints/chat/pause'],
    ['POST', '/endpoints/chat/resume'],
    ['POST', '/endpoints/chat/recover', {}, '{}'],
    ['POST', '/endpoints/chat/test'],
    ['GET', '/events'],
    ['GET', '/deliveries', { endpoint: 'crm' }],
  ])('has the rights for %s %s', async (...asked) => {
    const { status } = await ask(...asked);
    expect([200, 201, 202, 204]).toContain(status);
  });

  it('has the poll function poll a watch', async () => {
    const polls = () => deployment.function('Poll').log().split('"poll"').length;
    const before = polls();
    expect(await ask('POST', `/watches/sent/${encodeURIComponent(carol)}/poll`)).toEqual({
      status: 200,
      answer: { outcome: 'unchanged', isComplete: true, transfers: 1, changed: 0, published: 0 },
    });
    await expect.poll(polls).toBe(before + 1);
  });

  it('cancels a delivery, and removes its endpoint', async () => {
    const { answer } = await ask('GET', '/deliveries', { endpoint: 'rebound', status: 'PENDING' });
    const [{ event }] = (answer as { items: [{ event: string }] }).items;
    expect(await ask('POST', `/deliveries/${event}/rebound/cancel`)).toMatchObject({
      status: 200,
      answer: { status: 'CANCELLED' },
    });
    expect((await ask('DELETE', '/endpoints/rebound')).status).toBe(204);
  });

  it('tells the deployed version', async () => {
    expect((await ask('GET', '/status')).answer).toMatchObject({ version: manifest.version });
  });

  it('finds the events of a transfer', async () => {
    const { answer } = await ask('GET', '/events', { trackingId: transfer });
    expect(answer).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ type: 'transfer.active' })]),
    });
  });
});

describe('deployed functions', () => {
  it('send an event to more endpoints than one message covers, and wake themselves for a retry', async () => {
    const many = Array.from({ length: endpointsPerMessage + 1 }, (_, index) => `many-${10 + index}`);
    deployment.receiver.answers.set('/many-10', 503);
    for (const name of many) {
      const body = JSON.stringify({ name, url: `https://hooks.example.com/${name}`, types: ['transfer.failed'] });
      await deployment.function('Operator').invoke(eventOf('POST', '/endpoints', {}, body));
    }
    server.transfers.setState(server.transfers.create({ sender: carol, to: ['bob@example.com'] }).trackingId, 'FAILED');
    expect(await publishedByPoll()).toEqual([0, 1]);
    await deployment.logged(({ message, events }) => message === 'delivered' && many.at(-1)! in (events as object));
    const { used } = deployment.function('Deliver').proxy;
    await expect.poll(() => [...used]).toContain('sqs:SendMessage WebhookDeliveryWakeUpsQueue');
  });

  it('divide the snapshot of a grown mailbox, and continue to poll it', async () => {
    const [one] = server.transfers.seed({ sender: carol, to: ['bob@example.com'], count: 100, state: 'ACTIVE' });
    expect(await publishedByPoll()).toEqual([0, 100]);
    server.transfers.setState(one!.trackingId, 'DELETED_BY_ADMIN');
    expect(await publishedByPoll()).toEqual([0, 1]);
  });
});

describe('rights of deployed functions', () => {
  it.each(names)('suffice for the calls of %s, and include no other', (name) => {
    expect(deployment.denied).toEqual([]);
    const { proxy, granted } = deployment.function(name);
    // Lambda itself writes the logs, and the records of invocations that were lost.
    const isForLambda = (grant: string) => grant.startsWith('logs:') || grant === 'sqs:SendMessage MissedTicks';
    const grants = grantsIn(granted).filter((grant) => !isForLambda(grant));
    expect([...proxy.used].toSorted()).toEqual(grants.toSorted());
  });
});

describe('deployed stack', () => {
  const secrets = () => [clientId, crmSecret, crmSecret.slice('whsec_'.length), chatUrl];

  it('has the functions of this test alone, in bundles of at most 400 KB', () => {
    expect([...deployment.functions.keys()].toSorted()).toEqual([...names].toSorted());
    for (const [name, { folder: assets }] of deployment.functions) {
      expect(statSync(join(assets, 'index.js')).size, name).toBeLessThanOrEqual(400_000);
    }
  });

  it('has no secret in template and assets', () => {
    const files = readdirSync(join(folder, 'cdk.out'), { recursive: true, withFileTypes: true });
    const texts = files
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));
    expect(texts.length).toBeGreaterThan(deployment.functions.size);
    for (const text of texts) for (const secret of secrets()) expect(text).not.toContain(secret);
  });

  it('logs the invocation, and no secret', async () => {
    const { DATA_KEY } = JSON.parse(await deployment.secretText());
    for (const name of names) {
      const log = deployment.function(name).log();
      expect(log).toContain('"function_request_id":');
      for (const secret of [...secrets(), DATA_KEY]) expect(log).not.toContain(secret);
    }
  });

  it('writes its metrics, ten at most, where its alarms read them', () => {
    const written = names.flatMap((name) => metricsIn(deployment.function(name).log()));
    // A metric is written where there is something to count, which is not the case for all of them here.
    const [namespace, , dimension] = written[0]!.split(' ');
    const possible = Object.values(metricNames).map(({ name }) => `${namespace} ${name} ${dimension}`);
    expect(possible).toHaveLength(10);
    expect(possible).toEqual(expect.arrayContaining(written));
    const lookedAt = metricsOfAlarms(deployment.template);
    expect(lookedAt).toHaveLength(5);
    expect(possible).toEqual(expect.arrayContaining(lookedAt));
  });
});
