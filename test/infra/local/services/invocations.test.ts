import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** Answer of an invocation by the SDK. */
async function invoke(FunctionName: string, event: unknown) {
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  return { answer: JSON.parse(Payload!.transformToString()), FunctionError };
}

describe('startInvocations', () => {
  it('invokes a function with the event, and returns its answer', async () => {
    expect(await invoke('echo', { a: 1 })).toEqual({ answer: { event: { a: 1 } }, FunctionError: undefined });
  });

  it('marks the error of a function that fails', async () => {
    expect(await invoke('fail', {})).toEqual({
      answer: { errorType: 'RangeError', errorMessage: 'too far' },
      FunctionError: 'Unhandled',
    });
  });

  it('refuses an unknown function', async () => {
    await expect(invoke('nothing', {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('refuses a request without a signature, as web pages send them', async () => {
    const { status } = await fetch(invocations.urlOf('echo'), { method: 'POST', body: '{}' });
    expect(status).toBe(403);
  });
});
