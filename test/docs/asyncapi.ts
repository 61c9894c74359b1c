import type { EventType } from '#functions/events/catalogue.ts';
import { signatureHeader } from '#functions/webhooks/http/signature.ts';
import { testHeader } from '#infra/receivers/test-id.ts';
import manifest from '../../package.json' with { type: 'json' };
import { asyncSchemas } from './async-schemas.ts';
import { type Example, document as eventsPage, examples } from './event-schemas.ts';

/** The secret that signs the examples, published by Standard Webhooks. */
export const exampleSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const page = 'https://www.standardwebhooks.com';

/** Headers of a webhook; a reader of HTTP gets them in any order and among others. */
const webhookHeaders = {
  description: 'The operator may have added up to ten headers of your own.',
  type: 'object',
  properties: {
    'content-type': { const: 'application/json' },
    'user-agent': { const: 'transfer-notifier' },
    'webhook-id': {
      description: "The event's id. It stays the same at every retry and resend.",
      type: 'string',
      pattern: '^evt_[0-9a-z]{25}$',
    },
    'webhook-timestamp': {
      description: 'Time of this attempt in whole Unix seconds. Each attempt has a new one.',
      type: 'string',
      pattern: '^[0-9]{1,12}$',
    },
    'webhook-signature': {
      description:
        'One or more signatures of id.timestamp.body, separated by one space: v1 is HMAC-SHA256, v1a is ed25519.',
      type: 'string',
      pattern: '^v1a?,[A-Za-z0-9+/]+={0,2}( v1a?,[A-Za-z0-9+/]+={0,2})*$',
    },
    [testHeader]: {
      description: 'Name of the command that made the event up. Events of a notifier have no such header.',
      enum: ['trigger', 'check'],
    },
  },
  required: ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature'],
};

/** Attributes of a message on SNS. */
const topicAttributes = {
  type: 'object',
  properties: {
    type: { description: 'Type of the event.', type: 'string' },
    mailbox: {
      description: 'As in data. Events about endpoints and about many watches have none.',
      allOf: [{ $ref: '#/components/schemas/mailbox' }],
    },
    direction: {
      description: 'As in data. Events about endpoints and about many watches have none.',
      allOf: [{ $ref: '#/components/schemas/direction' }],
    },
  },
  required: ['type'],
  additionalProperties: false,
};

/** Each way of an event to its consumers. */
const ways = {
  webhook: {
    headers: webhookHeaders,
    of: ({ event: { id, timestamp }, body }: Sent) => {
      const seconds = Math.floor(Date.parse(timestamp) / 1000) + 1;
      return {
        'content-type': 'application/json',
        'user-agent': 'transfer-notifier',
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signatureHeader([exampleSecret], id, seconds, body),
      };
    },
    carries: () => true,
  },
  topic: {
    headers: topicAttributes,
    of: ({ event: { type, data } }: Sent) => {
      const { mailbox, direction } = data as { readonly mailbox?: string; readonly direction?: string };
      return { type, ...(mailbox && { mailbox }), ...(direction && { direction }) };
    },
    carries: ({ type }: Example) => type !== 'notifier.test',
  },
} as const;

interface Sent extends Pick<Example, 'event'> {
  readonly body: string;
}

type Way = keyof typeof ways;

/** The text of `docs/asyncapi.json`. */
export const asyncApiText = (): string => `${lines(asyncApiDocument(), '')}\n`;

/** JSON that has in one line what fits into it. @param indent blanks before its lines */
function lines(value: unknown, indent: string): string {
  const short = JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ');
  if (typeof value !== 'object' || value === null || indent.length + short.length < 110) return short;
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((one) => inner + lines(one, inner)).join(',\n')}\n${indent}]`;
  const fields = Object.entries(value).map(([name, one]) => `${inner}${JSON.stringify(name)}: ${lines(one, inner)}`);
  return `{\n${fields.join(',\n')}\n${indent}}`;
}

/** The AsyncAPI 3 document of all that is sent: each type of event, by webhook and on SNS. */
export function asyncApiDocument(): object {
  return {
    asyncapi: '3.0.0',
    id: 'urn:transfer-notifier',
    info: {
      title: 'Events of Transfer Notifier',
      version: manifest.version,
      description: `Transfer Notifier sends an event when a transfer on a Cryptshare Server changes state. Delivery is at least once, in any order: drop repetitions by id, and old news by data.sequence. Examples are signed with ${exampleSecret}. Formats other than "event" are left out. The pages events.md and receiving-webhooks.md have the rest.`,
      license: { name: manifest.license },
      tags: [{ name: 'standard-webhooks', externalDocs: { url: page } }],
    },
    defaultContentType: 'application/json',
    servers: {
      receiver: {
        host: '{host}',
        pathname: '/{path}',
        protocol: 'https',
        description: 'Your endpoint, whose URL the operator has entered.',
        variables: {
          host: { description: 'Public name, with port 443 or 8443.', examples: ['crm.example.com'] },
          path: { description: 'Path and query of the URL.', default: '', examples: ['webhooks'] },
        },
      },
      sns: {
        host: 'sns.{region}.amazonaws.com',
        protocol: 'sns',
        description: 'Amazon SNS in the region of the deployment.',
        variables: { region: { description: 'AWS region.', examples: ['eu-central-1'] } },
      },
    },
    channels: {
      webhook: {
        address: null,
        title: 'Webhooks',
        description:
          "Requests to an endpoint's URL, with the types of its filter. Any 2xx within 15 s is a success. Other answers are retried for three days.",
        servers: [{ $ref: '#/servers/receiver' }],
        messages: messagesOf('webhook'),
      },
      topic: {
        address: null,
        title: 'SNS topic transfer-events',
        description:
          "Messages on the topic whose ARN is the stack's output TransferEventsTopicArn. Headers are message attributes of the type String, for filter policies.",
        servers: [{ $ref: '#/servers/sns' }],
        messages: messagesOf('topic'),
      },
    },
    operations: {
      sendWebhook: {
        action: 'send',
        channel: { $ref: '#/channels/webhook' },
        summary: 'Posts an event to an endpoint, as a Standard Webhook.',
        bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
      },
      publishEvent: {
        action: 'send',
        channel: { $ref: '#/channels/topic' },
        summary: 'Publishes an event on SNS, as the text of the message.',
      },
    },
    components: {
      schemas: { webhookHeaders, topicAttributes, ...asyncSchemas() },
      messages: { ...components('webhook'), ...components('topic') },
    },
  };
}

const carried = (way: Way) => examples.filter((example) => ways[way].carries(example));

const messagesOf = (way: Way) =>
  Object.fromEntries(carried(way).map(({ type }) => [type, { $ref: `#/components/messages/${type}.${way}` }]));

const components = (way: Way) =>
  Object.fromEntries(carried(way).map((example) => [`${example.type}.${way}`, messageOf(way, example)]));

function messageOf(way: Way, { type, event }: Example): object {
  const body = JSON.stringify(event);
  return {
    name: type,
    title: type,
    summary: summaryOf(type),
    contentType: 'application/json',
    headers: { $ref: `#/components/schemas/${way === 'webhook' ? 'webhookHeaders' : 'topicAttributes'}` },
    payload: { $ref: `#/components/schemas/${type}` },
    examples: [{ name: 'documented', headers: ways[way].of({ event, body }), payload: event }],
  };
}

/** Meaning of a type, from the table at the beginning of `docs/events.md`. */
function summaryOf(type: EventType): string {
  const row = eventsPage.split('\n').find((line) => line.startsWith(`| [\`${type}\`]`));
  if (row === undefined) throw new Error(`docs/events.md has no row of ${type} in its table of types`);
  return row.split(' | ')[1]!.replace(/ \|$/, '');
}
