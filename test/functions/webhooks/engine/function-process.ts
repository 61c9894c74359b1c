import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { closedPort, listen } from '#test/functions/webhooks/http/client-servers.ts';
import { childEnvironment, peakMemory } from '#test/support/child-process.ts';
import { type WebhookWorld, webhooksTable } from '#test/support/webhook-world.ts';

/** An invocation: the name of the function's file in `functions/webhooks/engine`, and the event it is given. */
export type Invocation = readonly [name: 'fan-out' | 'deliver' | 'sweep', event: unknown];

let bundled: string | undefined;

/** Folder of the entry points with everything they import, the SDK once: a process starts several times as fast with them. */
function entries(): string {
  if (bundled === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'functions-'));
    process.on('exit', () => rmSync(folder, { recursive: true }));
    buildSync({
      entryPoints: ['fan-out', 'deliver', 'sweep'].map((name) => `functions/webhooks/engine/${name}.lambda.ts`),
      outdir: folder,
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      outExtension: { '.js': '.mjs' },
      // Some packages of the SDK `require` modules of Node.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      logLevel: 'warning',
    });
    bundled = pathToFileURL(`${folder}/`).href;
  }
  return bundled;
}

/** An event of SQS with these bodies. */
export const messagesOf = (...bodies: readonly string[]) => ({
  Records: bodies.map((body, index) => ({ messageId: `message-${index}`, body, messageAttributes: {} })),
});

/** Variables of the functions, by which they find the services. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of the functions for a world, whose endpoints are on this machine. */
export const environmentOf = ({ sdkEnvironment, queue, announcementQueue, deps }: WebhookWorld, dataKey: string) => ({
  ...sdkEnvironment,
  WEBHOOKS_TABLE: webhooksTable,
  WAKE_UP_QUEUE_URL: queue.url,
  EVENT_RETENTION_DAYS: '30',
  ANNOUNCEMENT_QUEUE_URL: announcementQueue.url,
  DATA_KEY: dataKey,
  ALLOW_PRIVATE_WEBHOOKS: 'yes',
  TRANSFER_EVENTS_TOPIC_ARN: deps.topic.eventsTopicArn,
  TRANSFER_NOTICES_TOPIC_ARN: deps.topic.eventsTopicArn.replace('events', 'notices'),
  SNS_URL: sdkEnvironment.AWS_ENDPOINT_URL_SNS!,
});

/** Starts a process that invokes functions one after the other by their entry points, with logs at their most talkative. */
export function startFunctions(environment: Environment, invocations: readonly Invocation[]) {
  const script = `
    const { inspect } = await import('node:util');
    const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'r-1' };
    for (const [name, event] of ${JSON.stringify(invocations)}) {
      try {
        const { handler } = await import(${JSON.stringify(entries())} + name + '.lambda.mjs');
        console.log(JSON.stringify({ [name]: await handler(event, context) }));
      } catch (error) {
        console.error(inspect(error, { depth: 20 }));
      }
    }
    console.log('memory: ' + ${peakMemory});
    process.exit();`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...childEnvironment, AWS_MAX_ATTEMPTS: '1', POWERTOOLS_LOG_LEVEL: 'DEBUG', ...environment },
  });
}

/**
 * Invokes functions one after the other, in a process of its own.
 *
 * @returns all that is printed, the answers and whatever is thrown included, and the most memory in use, in KB
 */
export async function invoke(environment: Environment, invocations: readonly Invocation[]): Promise<string> {
  const child = startFunctions(environment, invocations);
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`the functions ended with ${code}: ${errors}`);
  return out + errors;
}

/**
 * A way to the embedded DynamoDB on which some calls are throttled, in DynamoDB's own words.
 *
 * @param isRefused told the name of the call, for example `PutItem`, and its body
 * @returns its URL
 */
export async function throttledDynamo(
  dynamoUrl: string,
  isRefused: (call: string, body: string) => boolean,
): Promise<string> {
  const server = http.createServer(async (request, response) => {
    const body = await text(request);
    if (isRefused(String(request.headers['x-amz-target']).replace(/^.*\./, ''), body)) {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(
        JSON.stringify({
          __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException',
          message: 'Throughput exceeds the current capacity of your table or index.',
        }),
      );
      return;
    }
    const { method, headers, url = '/' } = request;
    const onward = http.request(new URL(url, dynamoUrl), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.end(body);
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

/** A URL at which no server listens. */
export const deadUrl = async (): Promise<string> => `http://127.0.0.1:${await closedPort()}`;
