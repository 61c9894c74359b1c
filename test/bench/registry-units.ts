import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Watches } from '../../functions/transfers/watches.ts';
import { createTransfersTable } from '../../infra/local/embedded-services.ts';
import { sdkSettings } from '../support/sdk-settings.ts';
import type { ServiceAddresses } from './services.ts';
import { UnitsMeter } from './units-meter.ts';

const table = 'metered-watches';
const watches = 1000;

/** Read units of the registry for each watch in it, from a registry of 1,000 declared watches. */
export async function measureRegistry({ sdkEnvironment }: ServiceAddresses): Promise<number> {
  const database = {
    ...sdkSettings(sdkEnvironment),
    endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  };
  const [dynamo, onlooker] = [new DynamoDBClient(database), new DynamoDBClient(database)];
  try {
    await createTransfersTable(onlooker, table);
    const declared = Array.from({ length: watches }, (_, at) => ({
      mailbox: `first.last.${at}@example.com`,
      direction: 'sent' as const,
    }));
    await new Watches(onlooker, table).declare(declared, false, new Date(0).toISOString());
    const { read } = await new UnitsMeter(dynamo, onlooker).of(() => new Watches(dynamo, table).list());
    return read / watches;
  } finally {
    dynamo.destroy();
    onlooker.destroy();
  }
}
