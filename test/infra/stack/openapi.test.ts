import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { operations } from '#functions/operator/operations.ts';
import { answers } from '#infra/api/answers.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import { type Answer, type OperatorWorld, type Question, startOperatorWorld } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

const document = JSON.parse(JSON.stringify(openApiDocument(operations))) as {
  openapi: string;
  paths: Record<string, Record<string, Documented>>;
  components: { schemas: { Problem: object } };
};

interface Documented {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: object } } };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>;
}

const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, documented]) => ({ method: method.toUpperCase(), path, documented })),
);

const event = exampleEvent('one').id;
const values: Readonly<Record<string, string>> = {
  direction: 'sent',
  mailbox: encodeURIComponent('alice@example.com'),
  name: 'crm',
  endpoint: 'crm',
  event,
  id: event,
  trackingId: 'one',
};

/** Parts of requests and preparations by which operations succeed. */
const questions: Readonly<Record<string, Question & { readonly before?: (world: OperatorWorld) => unknown }>> = {
  addWatch: {
    body: {
      mailbox: 'bob@example.com',
      direction: 'received',
      notifyExisting: true,
      pollIntervalMs: 300_000,
      follow: ['downloads', 'overdue'],
      overdueBeforeMs: 86_400_000,
    },
  },
  addWatches: { body: { watches: [{ mailbox: 'bob@example.com' }], notifyExisting: true } },
  listTransfers: {
    query: { state: 'ACTIVE', limit: '5' },
    before: async (world) => {
      const transfers = { sender: 'alice@example.com', to: ['bob@example.com'], count: 2, state: 'ACTIVE' };
      world.cryptshare.transfers.seed(transfers);
      await world.ask('POST', '/watches/sent/alice%40example.com/poll');
    },
  },
  explainTransfer: {
    query: { subscriber: 'crm', mailbox: 'alice@example.com', direction: 'sent' },
    before: (world) => world.settleAll(),
  },
  updateWatch: { body: { pollIntervalMs: 300_000, follow: ['overdue', 'problems'], overdueBeforeMs: 3_600_000 } },
  resumeWatch: { before: (world) => world.ask('POST', '/watches/sent/alice%40example.com/pause') },
  forgetMailbox: { body: { dryRun: true } },
  addEndpoint: { body: { name: 'other', url: 'https://other.example.com/', types: ['watch.*'], maxInFlight: 2 } },
  updateEndpoint: { body: { types: ['transfer.failed'], directions: null } },
  resumeEndpoint: { before: (world) => world.ask('POST', '/endpoints/crm/pause') },
  enableEndpoint: { before: (world) => world.ask('POST', '/endpoints/crm/disable') },
  disableEndpoint: { body: { because: 'moves house' } },
  showTemplate: {
    before: async (world) => {
      await world.ask('DELETE', '/endpoints/crm');
      const body = { name: 'crm', url: world.urlOf('crm'), format: 'template', template: ['{{id}}'] };
      await world.ask('POST', '/endpoints', { body });
    },
  },
  rotateSecret: { body: { overlapSeconds: 60 } },
  recoverEndpoint: { body: { from: '2026-11-24T00:00:00Z', dryRun: true } },
  replayEndpoint: { body: { from: '2026-11-24T00:00:00Z', until: '2026-11-25T00:00:00Z', perSecond: 10 } },
  listEvents: { query: { from: '2026-11-24T00:00:00Z', type: 'transfer.*', mailbox: 'alice@example.com', limit: '5' } },
  listDeliveries: { query: { endpoint: 'crm', status: 'PENDING' } },
  resendDelivery: { before: (world) => world.settleAll() },
};

/** Starts a world in which every operation can succeed. */
async function startFullWorld(): Promise<OperatorWorld> {
  const started = await startOperatorWorld();
  started.cryptshare.verifications.registerClientId(clientId);
  await started.ask('POST', '/watches', { body: { mailbox: 'alice@example.com' } });
  await started.ask('POST', '/endpoints', { body: { name: 'crm', url: started.urlOf('crm'), isAsymmetric: true } });
  await started.fanOut(exampleEvent('one'));
  return started;
}

const pathOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!);

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'api', components: document.components });

/** Expects an answer with a documented status and shape. */
function expectDocumented({ responses }: Documented, { status, type, body }: Answer): void {
  expect(Object.keys(responses)).toContain(String(status));
  const { content } = responses[status]!;
  expect(type).toBe(content && Object.keys(content)[0]);
  if (!content || type === undefined) return;
  const { schema } = content[type]!;
  const matches = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')));
  expect(matches(body) ? [] : matches.errors).toEqual([]);
}

describe('openApiDocument', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('names each operation once, and is what the operator API serves', async () => {
    const world = await startOperatorWorld();
    const served = await world.ask('GET', '/openapi.json');
    await world.close();
    expect(served).toMatchObject({ status: 200, type: 'application/json' });
    expect(served.body).toEqual(document);
    const ids = routes.map(({ documented }) => documented.operationId);
    expect(ids.toSorted()).toEqual(operations.map(({ id }) => id).toSorted());
    expect(ids).toEqual(expect.arrayContaining(Object.keys(questions)));
    const withBody = operations.filter(({ status }) => status !== 204).map(({ id }) => id);
    expect(Object.keys(answers).toSorted()).toEqual(withBody.toSorted());
  });

  it.each(routes)('describes the answers of $method $path', async ({ method, path, documented }) => {
    const { before, ...question } = questions[documented.operationId] ?? {};
    const world = await startFullWorld();
    try {
      await before?.(world);
      const answer = await world.ask(method, pathOf(path), question);
      expectDocumented(documented, answer);
      expect(answer.status).toBeLessThan(300);
      const names = (place: string) =>
        documented.parameters.filter((parameter) => parameter.in === place).map(({ name }) => name);
      expect(names('path')).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(names('query')).toEqual(expect.arrayContaining(Object.keys(question.query ?? {})));
      const unknown = await world.ask(method, pathOf(path), { ...question, query: { colour: 'red' } });
      expect(unknown).toMatchObject({ status: 400, body: { problems: [{ path: 'colour' }] } });
      expectDocumented(documented, unknown);
      const unread = await world.ask(method, pathOf(path), { text: '{"colour":' });
      expect(unread.status).toBe(400);
      expectDocumented(documented, unread);
    } finally {
      await world.close();
    }
  });
});
