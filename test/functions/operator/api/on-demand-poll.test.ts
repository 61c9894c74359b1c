import http from 'node:http';
import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { invokePoll } from '#functions/operator/api/on-demand-poll.ts';
import { closeAll, listen } from '#test/functions/webhooks/http/client-servers.ts';
import { type ArrivedRequest, independentSignature } from '#test/support/independent-signature.ts';

const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const path = '/2015-03-31/functions/notifier-poll/invocations';
const region = 'eu-central-1';
const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example', sessionToken: 'example-session' };
const signer = new SignatureV4({ service: 'lambda', ...new DynamoDBClient({ region, credentials }).config });

/** Requests to Lambda, and its answer. */
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

describe('invokePoll', () => {
  it('signs the invocation as AWS requires, and closes its connection', async () => {
    answers(200, { polls: [{ ...poll, pages: 1, durationMs: 20 }], skipped: 0 });
    expect(await invoke()).toEqual(poll);
    expect(arrived).toMatchObject([{ method: 'POST', url: path, connection: 'close' }]);
    expect(JSON.parse(arrived[0]!.text)).toEqual(watch);
    const { authorization, 'x-amz-security-token': sessionToken } = arrived[0]!.headers;
    expect(sessionToken).toBe(credentials.sessionToken);
    expect(authorization).toBe(independentSignature(arrived[0]!, { region, credentials }));
  });

  it('returns nothing for a watch that was removed', async () => {
    answers(200, { polls: [], skipped: 0 });
    expect(await invoke()).toBeUndefined();
  });

  it('returns the problem of a failed poll', async () => {
    const problem = { cause: 'timeout', message: 'no answer' };
    answers(200, { polls: [{ ...poll, outcome: 'failed', problem }], skipped: 0 });
    expect(await invoke()).toEqual({ ...poll, outcome: 'failed', problem });
  });

  const unhandled = { 'x-amz-function-error': 'Unhandled' };

  it.each<[string, Parameters<typeof answers>, RegExp]>([
    [
      'the function has failed',
      [200, { errorType: 'SecretError', errorMessage: 'hidden' }, unhandled],
      /^the poll function has failed \(SecretError\): its log tells why$/,
    ],
    [
      'the function ran out of time',
      [200, { errorType: 'Sandbox.Timedout', errorMessage: 'hidden' }, unhandled],
      /failed \(Sandbox\.Timedout\)/,
    ],
    ['the failure is not explained', [200, null, unhandled], /^the poll function has failed: its log tells why$/],
    ['Lambda has no room for another poll', [429, {}], /no room for another poll just now: ask again/],
    [
      'the function may not be invoked',
      [403, { Message: 'hidden' }, { 'x-amzn-errortype': 'AccessDeniedException:http://internal.amazon.com/' }],
      /^Lambda does not invoke the poll function \(HTTP 403, AccessDeniedException\)/,
    ],
    ['Lambda has a fault', [500, {}], /\(HTTP 500\): ask again/],
  ])('throws a bad gateway when %s', async (_, given, detail) => {
    answers(...given);
    const problem = await invoke().catch((error: unknown) => error);
    expect(problem).toMatchObject({ name: 'Problem', status: 502, message: expect.stringMatching(detail) });
    expect(JSON.stringify(problem)).not.toContain('hidden');
  });

  it('throws a bad gateway when Lambda does not answer in time', async () => {
    answer = () => {};
    await expect(invoke(50)).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining('did not answer in time'),
    });
  });

  it('throws a bad gateway when Lambda is unreachable', async () => {
    closeAll();
    await expect(invoke()).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining('cannot be reached (ECONNREFUSED)'),
    });
  });
});
