import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { SignatureV4 } from '@smithy/signature-v4';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { Tokens } from '#functions/cryptshare/tokens.ts';
import { Verifications } from '#functions/cryptshare/verification-rows.ts';
import { operatorRepositories } from '#functions/operator/api/dependencies.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { operations } from '#functions/operator/operations.ts';
import { type OperatorEvent, operatorHandler } from '#functions/operator/routes.ts';
import { pollRepositories } from '#functions/poll/dependencies.ts';
import { handleInvocation } from '#functions/poll/handle-invocation.ts';
import { createTopic } from '#infra/local/services/embedded-services.ts';
import { type InvokedFunction, startInvocations } from '#infra/local/services/invocations.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import { pollBudget, serverCalls } from './poll-world.ts';
import { startWebhookWorld, transfersTable, webhooksTable } from './webhook-world.ts';

export { transfersTable };

/** Reads what is served at `/openapi.json`. */
export const openApiText = (): string => JSON.stringify(openApiDocument(operations));

/** Caller in these tests. */
export const operatorArn = 'arn:aws:sts::123456789012:assumed-role/Operators/olivia';

/** Body of an answer; `items` and `next` belong to lists. */
export interface AnswerBody {
  readonly items: readonly Readonly<Record<string, string>>[];
  readonly next: string;
  readonly [field: string]: unknown;
}

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: AnswerBody;
}

/** A request beside method and path. */
export interface Question {
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  /** Instead of a body in JSON. */
  readonly text?: string;
}

/** Embedded services, a simulated server, a receiver, and the operator API. */
export type OperatorWorld = Awaited<ReturnType<typeof startOperatorWorld>>;

export async function startOperatorWorld(data?: string) {
  const world = await startWebhookWorld(data);
  const noticesTopicArn = await createTopic(world.deps.topic.sns, 'transfer-notices');
  const { clock, dynamo } = world;
  const cryptshare = await startCryptshareServer({ now: clock.now });
  const calls = serverCalls(cryptshare.url, clock);
  const tokens = new Tokens({
    calls,
    verifications: new Verifications({ dynamo, table: transfersTable }),
    dataKey: world.deps.dataKey,
  });
  const client = new CryptshareClient(calls, tokens);
  const origin = cryptshare.url;
  const schedule = { shards: 1, pollIntervalMs: 60_000, fullListingEvery: 1 };
  const polls = {
    origin,
    ...pollRepositories({ dynamo, table: transfersTable }, 4),
    server: client,
    tokens,
    topic: world.deps.topic,
    recipientKey: (...text: string[]) => world.deps.dataKey.hashOf(...text),
    schedule,
    now: clock.now,
    steady: clock.steady,
  };
  const logger = new Logger({ logLevel: 'SILENT' });
  const functions = new Map<string, InvokedFunction>();
  functions.set('poll', (event) => {
    const metrics = new Metrics({ namespace: 'TransferNotifier' });
    return handleInvocation({ ...polls, logger, metrics }, event, clock.now().getTime() + pollBudget);
  });
  const invocations = await startInvocations(functions, world.sdkEnvironment.AWS_ACCESS_KEY_ID!);
  const { credentials, region, sha256 } = dynamo.config;
  const signerFor = (service: string) => new SignatureV4({ service, credentials, region, sha256 });
  const sleeps: number[] = [];
  let onSleep = async () => {};
  const deps: OperatorDependencies = {
    version: '1.2.3',
    transfers: {
      ...operatorRepositories({ dynamo, table: transfersTable }),
      ...{ origin, calls, tokens, pollIntervalMs: schedule.pollIntervalMs, quietIntervalMs: 300_000 },
    },
    pollFunction: { url: invocations.urlOf('poll'), signer: signerFor('lambda') },
    topics: {
      sns: { url: world.sdkEnvironment.AWS_ENDPOINT_URL_SNS!, signer: signerFor('sns') },
      arns: {
        'transfer-events': [world.deps.topic.eventsTopicArn],
        'transfer-notices': [noticesTopicArn],
      },
    },
    webhooks: world.deps,
    tables: { transfers: { dynamo, table: transfersTable }, webhooks: { dynamo, table: webhooksTable } },
    queues: { sqs: world.sqs, urls: { WakeUps: world.queue.url } },
    async sleep(milliseconds) {
      sleeps.push(milliseconds);
      clock.advance(milliseconds);
      await onSleep();
    },
  };
  const lines: unknown[] = [];
  const note = (...line: unknown[]) => void lines.push(line);
  const handler = operatorHandler(async () => deps, openApiText, { info: note, error: note });

  const ask = async (method: string, path: string, { query, body, text }: Question = {}): Promise<Answer> => {
    const event = eventOf(method, path, query, text ?? (body === undefined ? undefined : JSON.stringify(body)));
    // Each request has the time of an invocation of its own.
    const answer = await handler(event, lambdaContext('operator', 120_000));
    return {
      status: answer.statusCode!,
      type: answer.headers?.['content-type'] as string | undefined,
      body: answer.body === undefined ? (undefined as unknown as AnswerBody) : JSON.parse(answer.body),
    };
  };

  return {
    ...world,
    cryptshare,
    operatorDeps: deps,
    /** Functions that the API can invoke. */
    functions,
    /** Logged lines. */
    lines,
    sleeps,
    /** Sets what happens while the API waits. */
    setOnSleep(next: typeof onSleep) {
      onSleep = next;
    },
    ask,
    /** Reads all pages of a list; `read` asks for one. */
    async pages(path: string, query: Question['query'] = {}, read = ask): Promise<AnswerBody['items'][]> {
      const pages: AnswerBody['items'][] = [];
      let cursor: string | undefined;
      do {
        const { status, body } = await read('GET', path, { query: { ...query, ...(cursor && { cursor }) } });
        if (status !== 200) throw new Error(`${path} is answered by ${status}`);
        pages.push(body.items);
        cursor = body.next;
      } while (cursor);
      return pages;
    },
    async close() {
      client.calls.close();
      await invocations.close();
      await cryptshare.close();
      await world.close();
    },
  };
}

/** A request as the function URL brings it. */
export function eventOf(
  method: string,
  path: string,
  query: Record<string, string> = {},
  body?: string,
): OperatorEvent {
  const requestContext = {
    accountId: '123456789012',
    apiId: 'example',
    authorizer: { iam: { userArn: operatorArn } },
    domainName: 'example.lambda-url.eu-central-1.on.aws',
    domainPrefix: 'example',
    http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: '' },
    requestId: 'example',
    routeKey: '$default',
    stage: '$default',
    time: '24/Nov/2026:00:00:00 +0000',
    timeEpoch: 0,
  };
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: {},
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    requestContext,
    ...(body !== undefined && { body }),
    isBase64Encoded: false,
  };
}
