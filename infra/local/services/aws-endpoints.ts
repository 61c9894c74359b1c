import { DynamoDBClient, type DynamoDBClientConfig, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { openDataFolder } from '#infra/local/data/open-data-folder.ts';
import { newSecret } from '#infra/loopback/loopback-guard.ts';
import { type EmbeddedServices, region, startEmbeddedServices } from './embedded-services.ts';

const services = ['dynamodb', 'sns', 'sqs'] as const;
type Service = (typeof services)[number];

/** Addresses of another implementation of AWS; services without an address are embedded. */
export type AwsEndpoints = Readonly<Partial<Record<Service, string>>>;

/**
 * Parses the addresses of another implementation of AWS: `http://127.0.0.1:5000` for all services, or a list by name
 * with commas, `dynamodb=http://127.0.0.1:8000`.
 *
 * @returns undefined for any other text
 */
export function awsEndpointsOf(text: string): AwsEndpoints | undefined {
  if (isOrigin(text)) return Object.fromEntries(services.map((service) => [service, text]));
  const found = text.split(',').map((part) => part.split('='));
  const isRight = found.every(([name, url = '', ...more]) => isService(name) && isOrigin(url) && more.length === 0);
  return isRight ? Object.fromEntries(found) : undefined;
}

const isService = (name: string | undefined): boolean => services.some((service) => service === name);

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
}

/** Thrown when no implementation of AWS answers at an address; the message has the remedy. */
export class AwsEndpointError extends Error {
  override readonly name = 'AwsEndpointError';
}

/** Timeout in milliseconds for another implementation. */
const timeoutMs = 5000;

const asked = { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true };

/** Harmless requests, which change nothing in a service. */
const questions: Readonly<Record<Service, (settings: DynamoDBClientConfig) => Promise<unknown>>> = {
  dynamodb: (settings) => new DynamoDBClient(settings).send(new ListTablesCommand({ Limit: 1 })),
  sns: (settings) => new SNSClient(settings).send(new ListTopicsCommand({})),
  sqs: (settings) => new SQSClient(settings).send(new ListQueuesCommand({ MaxResults: 1 })),
};

/** @throws AwsEndpointError if a service does not answer as AWS would; call it after the SDK's environment is set */
export async function checkAwsEndpoints(elsewhere: AwsEndpoints): Promise<void> {
  for (const service of services) {
    const endpoint = elsewhere[service];
    if (endpoint === undefined) continue;
    try {
      await questions[service]({ endpoint, maxAttempts: 1, requestHandler: asked });
    } catch (error) {
      throw new AwsEndpointError(whatIsWrong(service, endpoint, error as ServiceError));
    }
  }
}

type ServiceError = NodeJS.ErrnoException & { readonly $response?: { readonly statusCode?: number } };

const embeddedInstead = 'or leave --aws-endpoint out to use the embedded services';

function whatIsWrong(service: Service, url: string, { name, code, $response }: ServiceError): string {
  if ($response?.statusCode === undefined) {
    return `no implementation of AWS answers at ${url} (${code ?? name}): start it first, ${embeddedInstead}`;
  }
  const is = `(HTTP ${$response.statusCode} for ${service})`;
  return `what answers at ${url} is no implementation of AWS ${is}: correct the address, ${embeddedInstead}`;
}

export const areAllElsewhere = (endpoints: AwsEndpoints): boolean =>
  services.every((service) => endpoints[service] !== undefined);

/**
 * Embeds the services that have no address.
 *
 * @param data folder of the embedded database and queues; in memory without it
 * @throws DataFolderError
 */
export async function startAwsServices(data: string | undefined, elsewhere: AwsEndpoints): Promise<EmbeddedServices> {
  const services = await (areAllElsewhere(elsewhere) ? startNone(data) : startEmbeddedServices(data));
  const addresses = Object.entries(elsewhere).map(([service, url]) => [
    `AWS_ENDPOINT_URL_${service.toUpperCase()}`,
    url,
  ]);
  return { ...services, sdkEnvironment: { ...services.sdkEnvironment, ...Object.fromEntries(addresses) } };
}

async function startNone(data: string | undefined): Promise<EmbeddedServices> {
  if (data !== undefined) await openDataFolder(data, false);
  const credentials = { AWS_ACCESS_KEY_ID: newSecret(), AWS_SECRET_ACCESS_KEY: newSecret() };
  return { sdkEnvironment: { AWS_REGION: region, ...credentials }, async close() {} };
}
