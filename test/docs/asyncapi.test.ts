import type { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, it } from 'vitest';
import { type EventType, eventTypes } from '#functions/events/catalogue.ts';
import { publishEvents } from '#functions/events/publish.ts';
import { requestMaker } from '#infra/receivers/check/test-request.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';
import { crm, first, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { asyncApiDocument, asyncApiText, exampleSecret } from './asyncapi.ts';
import { examples, schemas } from './event-schemas.ts';

interface Message {
  readonly name: EventType;
  readonly headers: { readonly $ref: string };
  readonly payload: { readonly $ref: string };
  readonly examples: readonly {
    readonly headers: Readonly<Record<string, string>>;
    readonly payload: { id: string };
  }[];
}

interface Channel {
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
}

const document = asyncApiDocument() as {
  readonly channels: Readonly<Record<'webhook' | 'topic', Channel>>;
  readonly operations: Readonly<
    Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>
  >;
  readonly components: object;
};

const ajv = new Ajv({ allErrors: true, strictTypes: false });
addFormats.default(ajv);
ajv.addVocabulary(['components', 'schemas', 'messages']);
ajv.addSchema({ $id: 'urn:test:asyncapi', components: document.components });

/** Takes a value that keeps the schema to which a reference of the document leads. */
function problemsOf(reference: string, value: unknown): string {
  const validate = ajv.getSchema(`urn:test:asyncapi${reference}`)!;
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}

/** What a reference leads to. */
const found = (reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, part) => Object(at)[part], document);

const messagesOf = (channel: 'webhook' | 'topic'): Message[] =>
  Object.values(document.channels[channel].messages).map(({ $ref }) => found($ref) as Message);

describe('docs/asyncapi.json', () => {
  it('is made of docs/events.md (npx vitest run -u renews it)', async () => {
    await expect(asyncApiText()).toMatchFileSnapshot('../../docs/asyncapi.json');
  });

  it('says the same as the object that it is made of', () => {
    expect(JSON.parse(asyncApiText())).toEqual(document);
  });

  it('sends each type of event by webhook, and on SNS all but the test of an endpoint', () => {
    const types = eventTypes.toSorted();
    expect(Object.keys(document.channels.webhook.messages).toSorted()).toEqual(types);
    const published = types.filter((type) => type !== 'notifier.test');
    expect(Object.keys(document.channels.topic.messages).toSorted()).toEqual(published);
    expect(Object.values(document.operations).map(({ action, channel }) => `${action} ${channel.$ref}`)).toEqual([
      'send #/channels/webhook',
      'send #/channels/topic',
    ]);
  });

  it('has references into itself only, all of which lead to something', () => {
    const references = [...asyncApiText().matchAll(/"\$ref": "([^"]+)"/g)].map(([, reference]) => reference!);
    expect(references.length).toBeGreaterThan(200);
    expect(references.filter((reference) => !reference.startsWith('#/') || found(reference) === undefined)).toEqual([]);
    expect(asyncApiText()).not.toMatch(/\$defs|unevaluatedProperties|urn:transfer-notifier:event/);
  });

  it.each(['webhook', 'topic'] as const)('has examples for the channel %s that its own schemas take', (channel) => {
    for (const { name, headers, payload, examples: shown } of messagesOf(channel)) {
      expect(shown.map((example) => example.payload)).toEqual(
        examples.filter(({ type }) => type === name).map(({ event }) => event),
      );
      for (const example of shown) {
        expect([name, problemsOf(payload.$ref, example.payload)]).toEqual([name, '']);
        expect([name, problemsOf(headers.$ref, example.headers)]).toEqual([name, '']);
      }
    }
  });

  it('has examples for webhooks that the official library signs alike', () => {
    for (const { examples: shown } of messagesOf('webhook'))
      for (const { headers, payload } of shown) {
        const at = new Date(Number(headers['webhook-timestamp']) * 1000);
        const signature = new Webhook(exampleSecret).sign(payload.id, at, JSON.stringify(payload));
        expect(headers).toMatchObject({ 'webhook-id': payload.id, 'webhook-signature': signature });
      }
  });

  it('judges events as the schemas of docs/events.md do, whatever field is missing, other or added', () => {
    const values = [null, '', 'ACTIVE', 'Quarantined', 0, 1, 1000, 1.5, [], {}, ['other'], '2024-05-23T09:12:07.000Z'];
    let taken = 0;
    let refused = 0;
    for (const event of [...examples.map((example) => example.event), ...eventTypes.map(exampleEvent)]) {
      const data = event.data as unknown as Readonly<Record<string, unknown>>;
      const changes = ['extra', 'disableAt', ...Object.keys(data)].flatMap((field) => [
        { ...event, data: Object.fromEntries(Object.entries(data).filter(([name]) => name !== field)) },
        ...values.map((value) => ({ ...event, data: { ...data, [field]: value } })),
      ]);
      const { id: _, ...nameless } = event;
      for (const changed of [event, nameless, { ...event, extra: 1 }, { ...event, data: null }, ...changes])
        for (const type of [event.type, eventTypes[(eventTypes.indexOf(event.type) + 1) % eventTypes.length]!]) {
          const expected = schemas.get(type)!(changed);
          const problems = problemsOf(`#/components/schemas/${type}`, changed);
          expect({ changed, type, isTaken: problems === '' }).toEqual({ changed, type, isTaken: expected });
          if (expected) taken += 1;
          else refused += 1;
        }
    }
    expect(taken).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(1000);
  });
});

describe('docs/asyncapi.json, as it is sent', () => {
  beforeAll(startEndpointWorld);

  it('has the headers of a request that an endpoint gets, and its body', async () => {
    await crm.add();
    await world.fanOut(first);
    await world.answerWakeUps();
    const [{ headers, body }] = world.received as [(typeof world.received)[0]];
    expect(problemsOf('#/components/schemas/webhookHeaders', headers)).toBe('');
    expect(problemsOf(`#/components/schemas/${first.type}`, JSON.parse(body))).toBe('');
  });

  it('has the headers of a made-up event', () => {
    const make = requestMaker(exampleSecret, () => new Date());
    const { headers, body } = make.signed(make.event());
    expect(problemsOf('#/components/schemas/webhookHeaders', headers)).toBe('');
    expect(problemsOf('#/components/schemas/transfer.active', JSON.parse(body))).toBe('');
  });

  it('has the attributes that each event is published with', async () => {
    const published: Record<string, string>[] = [];
    const send = async ({ input }: PublishBatchCommand) => {
      for (const { MessageAttributes = {} } of input.PublishBatchRequestEntries ?? [])
        published.push(
          Object.fromEntries(Object.entries(MessageAttributes).map(([name, one]) => [name, one.StringValue!])),
        );
      return {};
    };
    const shown = messagesOf('topic').flatMap((message) => message.examples);
    const topic = { sns: { send } as unknown as SNSClient, eventsTopicArn: '', sleep: async () => {} };
    await publishEvents(
      topic,
      shown.map(({ payload }) => JSON.stringify(payload)),
    );
    expect(new Set(published.map((one) => JSON.stringify(one)))).toEqual(
      new Set(shown.map(({ headers }) => JSON.stringify(headers))),
    );
  });
});
