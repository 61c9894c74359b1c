import http from 'node:http';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { invokePoll } from '#functions/operator/api/poll-function.ts';
import { closeAll, listen } from '#test/functions/webhooks/http/client-servers.ts';
import { type ArrivedRequest, independentSignature } from '#test/support/independent-signature.ts';

const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const path = '/2015-03-31/functions/notifier-poll/invocations';
const region = 'eu-central-1';
const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example', sessionToken: 'example-session' };
const signer = new SignatureV4({ service: 'lambda', ...new DynamoDBClient({ region, credentials }).config });

/** What Lambda is asked, and what it answers. */
let arrived: (ArrivedRequest & { readonly connection: string | undefined })[];
let answer: http.RequestListener;
let url: string;
beforeEach(async () => {
  arrived = [];
  const server = http.createServer(async (request, response) => {
    const { method = '', url: asked = '', headers } = request;
    arrived.push({ method, url: asked, headers, text: await text(request), connection: headers.connection });
    answer(request, response);
  });
  url = `http://127.0.0.1:${await listen(server)}${path}`;
});
afterEach(closeAll);

const poll = { outcome: 'changed', isComplete: true, transfers: 3, changed: 1, published: 1 };
const answers = (status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}) => {
  answer = (_, response) => response.writeHead(status, headers).end(JSON.stringify(body));
};
const invoke = (timeout = 5000) => invokePoll({ url, signer }, watch, timeout);

describe('an invocation of the poll function', () => {
  test('is for the watch, signed as AWS wants it, on a connection that nothing is expected of later', async () => {
    answers(200, { polls: [{ ...poll, pages: 1, durationMs: 20 }], skipped: 0 });
    expect(await invoke()).toEqual(poll);
    expect(arrived).toMatchObject([{ method: 'POST', url: path, connection: 'close' }]);
    expect(JSON.parse(arrived[0]!.text)).toEqual(watch);
    const { authorization, 'x-amz-security-token': sessionToken } = arrived[0]!.headers;
    expect(sessionToken).toBe(credentials.sessionToken);
    expect(authorization).toBe(independentSignature(arrived[0]!, { region, credentials }));
  });

  test('brings no poll of a watch that is not there any more', async () => {
    answers(200, { polls: [], skipped: 0 });
    expect(await invoke()).toBeUndefined();
  });

  test('tells what kept the poll from its work', async () => {
    const problem = { cause: 'timeout', message: 'no answer' };
    answers(200, { polls: [{ ...poll, outcome: 'failed', problem }], skipped: 0 });
    expect(await invoke()).toEqual({ ...poll, outcome: 'failed', problem });
  });
});

const unhandled = { 'x-amz-function-error': 'Unhandled' };

describe('the poll function is a bad gateway', () => {
  test.each<[string, Parameters<typeof answers>, RegExp]>([
    [
      'when it has failed, which its log explains',
      [200, { errorType: 'SecretError', errorMessage: 'hidden' }, unhandled],
      /^the poll function has failed \(SecretError\): its log tells why$/,
    ],
    [
      'when it ran out of time',
      [200, { errorType: 'Sandbox.Timedout', errorMessage: 'hidden' }, unhandled],
      /failed \(Sandbox\.Timedout\)/,
    ],
    ['when nobody says how it failed', [200, null, unhandled], /^the poll function has failed: its log tells why$/],
    ['when there is no room for it', [429, {}], /no room for another poll just now: ask again/],
    [
      'when it may not be invoked',
      [403, { Message: 'hidden' }, { 'x-amzn-errortype': 'AccessDeniedException:http://internal.amazon.com/' }],
      /^Lambda does not invoke the poll function \(HTTP 403, AccessDeniedException\)/,
    ],
    ['when Lambda is ill', [500, {}], /\(HTTP 500\): ask again/],
  ])('%s', async (_, given, detail) => {
    answers(...given);
    const problem = await invoke().catch((error: unknown) => error);
    expect(problem).toMatchObject({ name: 'Problem', status: 502, message: expect.stringMatching(detail) });
    expect(JSON.stringify(problem)).not.toContain('hidden');
  });

  test('when it does not answer in time', async () => {
    answer = () => {};
    await expect(invoke(50)).rejects.toMatchObject({ status: 502, message: /did not answer in time/ });
  });

  test('when Lambda cannot be reached', async () => {
    closeAll();
    await expect(invoke()).rejects.toMatchObject({ status: 502, message: /cannot be reached \(ECONNREFUSED\)/ });
  });
});
