import { type EmbeddedServices, region, startEmbeddedServices } from './embedded-services.ts';
import { newSecret } from './loopback-guard.ts';
import { makePrivate } from './open-data-folder.ts';

const services = ['dynamodb', 'sns', 'sqs'] as const;

/** Addresses of another implementation of AWS; what is missing is embedded. */
export type AwsEndpoints = Readonly<Partial<Record<(typeof services)[number], string>>>;

/**
 * Reads where another implementation of AWS is: one address for all services, `http://127.0.0.1:5000`, or some of them by
 * name, `dynamodb=http://127.0.0.1:8000`, with commas between them.
 *
 * @returns undefined when the text is neither
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
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search + url.username === '';
}

/** Thrown when nothing answers where another implementation of AWS should be; says what to do. */
export class AwsEndpointError extends Error {
  override readonly name = 'AwsEndpointError';
}

/** Milliseconds for another implementation to answer. */
const patience = 5000;

/** @throws AwsEndpointError */
async function checkReached(url: string): Promise<void> {
  try {
    await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(patience) });
  } catch (error) {
    const { code = 'no answer' } = (error as { cause?: { code?: string } }).cause ?? {};
    throw new AwsEndpointError(
      `no implementation of AWS answers at ${url} (${code}): start it first, or leave --aws-endpoint out to use the embedded services`,
    );
  }
}

/** Whether no service is left to be embedded. */
export const areAllElsewhere = (endpoints: AwsEndpoints): boolean =>
  services.every((service) => endpoints[service] !== undefined);

/**
 * Starts the services that are not elsewhere.
 *
 * @param data folder that keeps database and queues, as far as they are embedded; in memory without it
 * @throws DataFolderError, AwsEndpointError
 */
export async function startAwsServices(data: string | undefined, elsewhere: AwsEndpoints): Promise<EmbeddedServices> {
  const addresses = Object.entries(elsewhere).map(([service, url]) => [
    `AWS_ENDPOINT_URL_${service.toUpperCase()}`,
    url,
  ]);
  if (addresses.length === 0) return startEmbeddedServices(data);
  await Promise.all([...new Set(Object.values(elsewhere))].map(checkReached));
  if (!areAllElsewhere(elsewhere)) {
    const { sdkEnvironment, close } = await startEmbeddedServices(data);
    return { sdkEnvironment: { ...sdkEnvironment, ...Object.fromEntries(addresses) }, close };
  }
  if (data !== undefined) makePrivate(data);
  const credentials = { AWS_ACCESS_KEY_ID: newSecret(), AWS_SECRET_ACCESS_KEY: newSecret() };
  return {
    sdkEnvironment: { AWS_REGION: region, ...credentials, ...Object.fromEntries(addresses) },
    async close() {},
  };
}
