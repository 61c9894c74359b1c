import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { waitSilently } from '#infra/local/services/waiting-requests.ts';
import { startAws, type TestAws } from '#test/support/aws.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';

let aws: TestAws;
beforeAll(async () => {
  aws = await startAws();
});
afterAll(() => aws.close());

/** Warnings of the SDK while 50 requests wait for one socket. */
async function warnings(): Promise<string[]> {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  const client = new DynamoDBClient({
    ...sdkSettings(aws.environment),
    endpoint: aws.environment.AWS_ENDPOINT_URL_DYNAMODB!,
    requestHandler: { httpAgent: { maxSockets: 1 }, socketAcquisitionWarningTimeout: 1 },
  });
  await Promise.all(Array.from({ length: 50 }, () => client.send(new ListTablesCommand({}))));
  client.destroy();
  const said = warn.mock.calls.map(([text]) => String(text));
  warn.mockRestore();
  return said.filter((text) => text.includes('socket usage'));
}

describe('waitSilently', () => {
  it('silences the warning about requests that wait for a socket', async () => {
    expect(await warnings()).not.toEqual([]);
    waitSilently(aws.dynamo);
    expect(await warnings()).toEqual([]);
  });
});
