import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { SubscribeCommand } from '@aws-sdk/client-sns';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Endpoints } from '#functions/webhooks/endpoints/endpoints.ts';
import { closeAll, listen } from '#test/functions/webhooks/http/client-servers.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});
afterEach(closeAll);

const services = async () => {
  const { status, body } = await world.ask('GET', '/services');
  expect(status).toBe(200);
  return body as unknown as {
    tables: { name: string; problem?: string }[];
    queues: { name: string; waiting: number; inProgress: number; problem?: string }[];
    topics: { name: string; subscriptions: number; unconfirmed: number; problem?: string }[];
  };
};

describe('GET /services', () => {
  it('lists tables, queues with their messages, and topics with their subscriptions', async () => {
    const { sns, eventsTopicArn } = world.deps.topic;
    await sns.send(new SubscribeCommand({ TopicArn: eventsTopicArn, Protocol: 'sqs', Endpoint: world.queue.arn }));
    await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
    await world.fanOut(exampleEvent('one'), exampleEvent('two'));
    const { tables, queues, topics } = await services();
    expect(tables).toEqual([{ name: 'transfers' }, { name: 'webhooks' }]);
    expect(queues).toEqual([{ name: 'WakeUps', waiting: 1, inProgress: 0 }]);
    const [events, notices] = topics;
    expect(notices).toMatchObject({ name: 'transfer-notices', unconfirmed: 0 });
    expect(events).toEqual({ name: 'transfer-events', subscriptions: notices!.subscriptions + 1, unconfirmed: 0 });
  });

  it('names the error of each service that does not answer', async () => {
    const { webhooks, queues: inspected } = world.operatorDeps;
    const { urls } = inspected;
    Object.assign(webhooks, { endpoints: new Endpoints({ dynamo: world.dynamo, table: 'gone' }) });
    Object.assign(inspected, { urls: { ...urls, Announcements: urls.WakeUps!.replace('wake-ups', 'no') } });
    const { tables, queues, topics } = await services();
    expect(tables).toEqual([{ name: 'transfers' }, { name: 'webhooks', problem: 'ResourceNotFoundException' }]);
    expect(queues).toMatchObject([
      { name: 'WakeUps', waiting: 0 },
      { name: 'Announcements', problem: expect.stringContaining('QueueDoesNotExist') },
    ]);
    expect(topics).toMatchObject([{ name: 'transfer-events' }, { name: 'transfer-notices' }]);
  });

  it('reports a topic that SNS does not know by the name of the error', async () => {
    const { topics: inspected } = world.operatorDeps;
    const gone = inspected.arns['transfer-events'].map((arn) => `${arn}-gone`);
    Object.assign(inspected, { arns: { ...inspected.arns, 'transfer-notices': gone } });
    const { topics } = await services();
    expect(topics).toMatchObject([{ name: 'transfer-events' }, { name: 'transfer-notices', problem: 'NotFound' }]);
    expect(topics[0]).not.toHaveProperty('problem');
  });

  it('reports an unreachable SNS with its remedy as a problem of the topics alone', async () => {
    Object.assign(world.operatorDeps.topics.sns, { url: 'http://127.0.0.1:1' });
    const { tables, topics } = await services();
    expect(tables).toEqual([{ name: 'transfers' }, { name: 'webhooks' }]);
    for (const { problem } of topics) expect(problem).toMatch(/^SNS cannot be reached \(ECONNREFUSED\): ask again/);
  });

  it.each([
    { failure: 'an outage', status: 503, xml: '' },
    { failure: 'a limit', status: 400, xml: '<Code>Throttling</Code>' },
  ])('asks SNS again after $failure, which passes', async ({ status, xml }) => {
    const requests: string[] = [];
    const server = createServer(async (request, response) => {
      requests.push(await text(request));
      const isFirst = requests.filter((one) => one === requests.at(-1)).length === 1;
      response
        .writeHead(isFirst ? status : 200)
        .end(isFirst ? xml : '<key>SubscriptionsConfirmed</key><value>7</value>');
    });
    Object.assign(world.operatorDeps.topics.sns, { url: `http://127.0.0.1:${await listen(server)}` });
    const { topics } = await services();
    for (const { subscriptions, problem } of topics) expect({ subscriptions, problem }).toEqual({ subscriptions: 7 });
    expect(requests).toHaveLength(4);
  });
});
