import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Invocations, startInvocations } from '#infra/local/services/invocations.ts';

let invocations: Invocations;
let lambda: LambdaClient;
beforeAll(async () => {
  const echo = async (event: unknown) => ({ event });
  const fail = async () => Promise.reject(new RangeError('too far'));
  invocations = await startInvocations(new Map(Object.entries({ echo, fail })), 'example-key');
  const credentials = { accessKeyId: 'example-key', secretAccessKey: 'example' };
  lambda = new LambdaClient({ endpoint: invocations.url, region: 'us-east-1', credentials });
});
afterAll(async () => {
  lambda.destroy();
  await invocations.close();
});

/** What the SDK makes of an invocation. */
async function invoke(FunctionName: string, event: unknown) {
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  return { answer: JSON.parse(Payload!.transformToString()), FunctionError };
}

test('a function is invoked with the event, and answers', async () => {
  expect(await invoke('echo', { a: 1 })).toEqual({ answer: { event: { a: 1 } }, FunctionError: undefined });
});

test('a function that fails is told apart from one that answers', async () => {
  expect(await invoke('fail', {})).toEqual({
    answer: { errorType: 'RangeError', errorMessage: 'too far' },
    FunctionError: 'Unhandled',
  });
});

test('a function that is none is not found', async () => {
  await expect(invoke('nothing', {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('what is not signed, as nothing is that a web page sends, is refused', async () => {
  const { status } = await fetch(invocations.urlOf('echo'), { method: 'POST', body: '{}' });
  expect(status).toBe(403);
});
