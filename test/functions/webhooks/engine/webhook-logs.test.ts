import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import { addEndpoint, rotateSecret } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { closeAll, listen } from '#test/functions/webhooks/http/client-servers.ts';
import { first as event, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent, exampleEvents } from '#test/support/webhook-world.ts';
import { deadUrl, environmentOf, type Invocation, invoke, messagesOf, throttledDynamo } from './function-process.ts';

const dataKey = randomBytes(32).toString('base64');
const { mailbox } = event.data;
const wakeUp = (endpoint: string, ...ids: readonly string[]) =>
  JSON.stringify({ endpoint, events: ids.length > 0 ? ids : [event.id] });

beforeEach(startEndpointWorld);
beforeEach(() => {
  Object.assign(world.deps, { dataKey: new DataKey(dataKey) });
  return closeAll;
});

/** Adds an endpoint with everything that must not be printed. */
async function add(name: string, settings: Partial<EndpointSettingsInput> = {}): Promise<void> {
  const url = `${world.urlOf(`services/T0000/path-token-${name}`)}?key=query-token-${name}`;
  const headers = { authorization: `Bearer header-token-${name}` };
  const isAsymmetric = settings.format === undefined;
  await addEndpoint(world.deps, name, { url, headers, mailboxes: [mailbox], ...settings }, { isAsymmetric });
  if (isAsymmetric) await rotateSecret(world.deps, name);
}

/** Texts that must not be printed, and parts of them that would give them away. */
async function secretTexts(): Promise<string[]> {
  const opened = (await world.deps.endpoints.list()).flatMap((endpoint) => {
    const { url, headers, secrets } = secretsOf(new DataKey(dataKey), endpoint);
    const { host, pathname, search } = new URL(url);
    const keys = secrets.map(({ secret }) => secret.slice(secret.indexOf('_') + 1));
    return [host, pathname, search.slice(1), ...keys, ...Object.values(headers), endpoint.encrypted];
  });
  const marks = ['path-token', 'query-token', 'header-token', 'whsec_', 'whsk_', dataKey, 'alice', 'example.com'];
  return [...opened, ...marks].filter((text) => text !== '');
}

/** Invokes functions, makes sure that they print no secret, and returns what they print. */
async function printed(changes: Record<string, string | undefined>, ...invocations: Invocation[]): Promise<string> {
  const output = await invoke({ ...environmentOf(world, dataKey), ...changes }, invocations);
  for (const secret of await secretTexts()) expect(output).not.toContain(secret);
  return output;
}

const fanOutOf = (...bodies: string[]): Invocation => ['fan-out', messagesOf(...bodies)];
const deliverTo = (...endpoints: string[]): Invocation => [
  'deliver',
  messagesOf(...endpoints.map((name) => wakeUp(name))),
];
const sweep: Invocation = ['sweep', {}];

test('deliver logs all successes of a batch in one line, with what each endpoint got, and all else in a line of its own', async () => {
  for (const name of ['crm', 'erp', 'failing']) await add(name);
  const events = exampleEvents('batch', 3);
  world.setAnswer(({ path }) => ({ status: path.includes('failing') ? 500 : 204 }));
  const ids = events.map(({ id }) => id);
  const wakeUps = ['crm', 'erp', 'failing'].map((name) => wakeUp(name, ...ids));
  const output = await printed({}, fanOutOf(...events.map(eventBody)), ['deliver', messagesOf(...wakeUps)]);
  const lines = output.split('\n').filter((line) => line.startsWith('{"level"'));
  const told = lines.map((line) => JSON.parse(line)).filter(({ message }) => message.startsWith('deliver'));
  expect(told.filter(({ message }) => message === 'delivered')).toMatchObject([{ count: 6 }]);
  const { events: delivered } = told.find(({ message }) => message === 'delivered');
  for (const name of ['crm', 'erp']) expect(delivered[name].toSorted()).toEqual(ids.toSorted());
  const others = told.filter(({ message }) => message === 'delivery');
  expect(others.map(({ event }) => event).toSorted()).toEqual(ids.toSorted());
  for (const line of others) expect(line).toMatchObject({ endpoint: 'failing', status: 'PENDING', answer: 500 });
  expect(told).toHaveLength(4);
});

test('fan-out logs nothing for an ordinary batch but what is counted, and that only if there is some', async () => {
  const linesOf = async (invocation: Invocation) =>
    (await printed({}, invocation)).split('\n').filter((line) => line !== '' && !line.startsWith('memory: '));
  const answer = '{"fan-out":{"batchItemFailures":[]}}';
  expect(await linesOf(fanOutOf(eventBody(event)))).toEqual([answer]);
  await add('crm');
  const metrics = expect.stringMatching(/^\{"_aws":.*"DeliveriesCreated":1\}$/);
  expect(await linesOf(fanOutOf(eventBody(event)))).toEqual([metrics, answer]);
});

describe('logs of the functions', () => {
  test('hold no secret and no mailbox when receivers echo what they were sent, with any status', async () => {
    const statuses = [200, 301, 400, 410, 429, 500];
    world.setAnswer(({ path, headers, body }) => {
      return {
        status: Number(/status-(\d+)/.exec(path)![1]),
        headers: { location: path, 'retry-after': path, 'x-echo': JSON.stringify(headers) },
        body: [path, JSON.stringify(headers), body].join(' '),
      };
    });
    const names = statuses.map((status) => `status-${status}`);
    const chats = ['slack-status-400', 'teams-status-500'];
    await add('slack-status-400', { format: 'slack' });
    await add('teams-status-500', { format: 'teams' });
    // Long ago, so that the chats have waited for their event.
    await fanOut({ ...world.deps, now: () => new Date(0) }, [{ body: eventBody(event) }]);
    for (const name of names) await add(name);
    const output = await printed({}, fanOutOf(eventBody(event)), deliverTo(...names, ...chats));
    for (const status of statuses.slice(1)) expect(output).toContain(`"answer":${status}`);
    for (const name of chats) expect(output).toContain(`"endpoint":"${name}"`);
    expect(output).toContain('"AttemptsFailed":7');
    expect(world.received).toHaveLength(statuses.length + 2);
  });

  test('hold no secret and no mailbox when no answer comes: nothing listens, no TLS, a broken connection', async () => {
    const breaking = await listen(net.createServer((socket) => void socket.once('data', () => socket.destroy())));
    await add('dead', { url: `${await deadUrl()}/path-token-dead` });
    await add('plain', { url: `${world.urlOf('path-token-plain').replace('http:', 'https:')}` });
    await add('breaking', { url: `http://127.0.0.1:${breaking}/path-token-breaking` });
    const output = await printed({}, fanOutOf(eventBody(event)), deliverTo('dead', 'plain', 'breaking'));
    expect(output.match(/"cause":"unreachable"/g)?.length).toBeGreaterThanOrEqual(2);
    expect(output).toContain('"cause":"untrusted_certificate"');
  });

  test('hold no secret and no mailbox when the target is forbidden', async () => {
    await add('crm');
    const output = await printed({ ALLOW_PRIVATE_WEBHOOKS: undefined }, fanOutOf(eventBody(event)), deliverTo('crm'));
    expect(output).toContain('"cause":"forbidden_target"');
  });

  test('hold no secret and no mailbox when the data key was replaced or is invalid', async () => {
    await add('crm');
    const other = randomBytes(32).toString('base64');
    const replaced = await printed({ DATA_KEY: other }, fanOutOf(eventBody(event)), deliverTo('crm'));
    expect(replaced).toContain('DecryptionError');
    // The sweep tries again, each minute: the message need not come again.
    expect(replaced).toContain('"deliver":{"batchItemFailures":[]}');
    expect(replaced).not.toContain(other);
    const halved = dataKey.slice(0, 22);
    const refused = await printed({ DATA_KEY: halved }, deliverTo('crm'));
    expect(refused).toContain('EnvironmentError');
    expect(refused).not.toContain(halved);
  });

  test.each(['Query', 'BatchGetItem', 'PutItem', 'UpdateItem'])(
    'hold no secret and no mailbox when DynamoDB throttles %s',
    async (call) => {
      await add('crm');
      const early = { ...world.deps, now: () => new Date(0) };
      await fanOut(early, [{ body: eventBody(event) }, { body: eventBody(exampleEvent('other')) }]);
      const AWS_ENDPOINT_URL_DYNAMODB = await throttledDynamo(
        world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
        (called) => called === call,
      );
      const fresh = eventBody(exampleEvent('fresh'));
      const output = await printed({ AWS_ENDPOINT_URL_DYNAMODB }, fanOutOf(fresh), deliverTo('crm'), sweep);
      expect(output).toContain('ThrottlingException');
    },
  );

  test('hold no secret and no mailbox when SQS and SNS cannot be reached', async () => {
    await add('crm');
    world.setAnswer(({ path }) => ({ status: 500, body: path }));
    const dead = await deadUrl();
    const events = exampleEvents('failing', 4);
    const output = await printed(
      { AWS_ENDPOINT_URL_SNS: dead, AWS_ENDPOINT_URL_SQS: dead },
      fanOutOf(...events.map(eventBody)),
      ...events.map(({ id }): Invocation => ['deliver', messagesOf(wakeUp('crm', id))]),
      sweep,
    );
    for (const at of [0, 1, 2, 3]) expect(output).toContain(`{"itemIdentifier":"message-${at}"}`);
    expect(output).toContain('SQS did not take the wake-up');
    expect(output).toMatch(/"level":"WARN","message":"sweep".*"failed":1/);
  });

  test('hold no secret and no mailbox when a message is malformed', async () => {
    const unexpected = {
      'an address alone': mailbox,
      'an event that is cut off': eventBody(event).slice(0, eventBody(event).indexOf('.com')),
      'an event with a bare address': eventBody(event).replace(`"${mailbox}"`, mailbox),
      'an object of another kind': JSON.stringify({ sqs: mailbox }),
      'an event without its data': JSON.stringify({ ...event, data: undefined, items: mailbox }),
      'an event about something else': JSON.stringify({ ...event, data: { mailbox: [mailbox] } }),
    };
    await add('crm');
    const bodies = Object.values(unexpected);
    const output = await printed(
      {},
      ...bodies.flatMap((body) => [fanOutOf(body), ['deliver', messagesOf(body)] as const]),
    );
    const times = (pattern: RegExp) => output.match(pattern)?.length;
    expect(times(/"fan-out":\{"batchItemFailures":\[\{"itemIdentifier":"message-0"\}\]\}/g)).toBe(bodies.length);
    expect(times(/"deliver":\{"batchItemFailures":\[\]\}/g)).toBe(bodies.length);
    expect(times(/"message":"messages dropped that are no wake-ups".*"count":1[,}]/g)).toBe(bodies.length);
  });
});
