import { type AttributeValue, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, describe, expect, it } from 'vitest';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { startAws } from '#test/support/aws.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';

const aws = await startAws();
const direct = aws.dynamo;
const endpoint = aws.environment.AWS_ENDPOINT_URL_DYNAMODB!;
const overHttp = new DynamoDBClient({ ...sdkSettings(aws.environment), endpoint });
const stranger = { accessKeyId: 'another', secretAccessKey: 'another' };
const clients = [direct, overHttp];
afterAll(async () => {
  overHttp.destroy();
  await aws.close();
});

const TableName = 'transfers';
const Key = { pk: { S: 'Ünïcode' }, sk: { S: '転送' } };
const Item: Record<string, AttributeValue> = { ...Key, bytes: { B: Buffer.from([0, 255]) }, list: { L: [{ N: '1' }] } };

describe('a call to the embedded database without a connection', () => {
  it('has the answers and errors that it has over HTTP', async () => {
    await createTransfersTable(direct, TableName);
    const isNew = { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' };
    await direct.send(new PutItemCommand(isNew));
    const answers = await Promise.all(
      clients.map(async (client) => ({
        read: (await client.send(new GetItemCommand({ TableName, Key }))).Item,
        refused: await client.send(new PutItemCommand(isNew)).catch(({ name, message }) => ({ name, message })),
        missing: await client
          .send(new GetItemCommand({ TableName: 'none', Key }))
          .catch(({ name, $metadata }) => ({ name, status: $metadata.httpStatusCode })),
      })),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]!.read!.sk).toEqual(Key.sk);
    expect(answers[0]!.refused).toMatchObject({ name: 'ConditionalCheckFailedException' });
  });

  it('needs the access key of the run', async () => {
    const { requestHandler } = direct.config;
    const client = new DynamoDBClient({ region: 'us-east-1', credentials: stranger, endpoint, requestHandler });
    await expect(client.send(new GetItemCommand({ TableName, Key }))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
  });

  it('ends when it is aborted', async () => {
    const abortSignal = AbortSignal.abort();
    await expect(direct.send(new GetItemCommand({ TableName, Key }), { abortSignal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
