import { startProcess } from './bench-process.ts';
import type { ServicesMethods } from './services-process.ts';

/**
 * Starts the simulated Cryptshare Server, the embedded AWS services and a receiver of webhooks in a process of their
 * own. So CPU and heap measured here are those of the poll alone.
 */
export async function startServices() {
  const { call, stop } = await startProcess<ServicesMethods>(import.meta.resolve('./services-process.ts'));
  return { call, stop, addresses: await call('addresses') };
}

export type Services = Awaited<ReturnType<typeof startServices>>;

/** Addresses of the services, for this process and others. */
export type ServiceAddresses = Services['addresses'];
