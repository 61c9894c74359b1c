import { ConfigError } from '#infra/config/config.ts';
import { addressText, type ListenAddress, listenAddressOf } from '#infra/config/listening.ts';

/** Thrown when an address of the configuration is not free yet; the message has the remedy. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Explanations of what time or another program may mend, by the system's code. */
const passing: Readonly<Record<string, (address: ListenAddress) => string>> = {
  EADDRINUSE: (address) =>
    `${addressText(address)} is in use by another program: stop that one, or choose another port`,
  EADDRNOTAVAIL: ({ host }) => `this machine has no address ${host}: bring its network up, or correct the address`,
};

/**
 * Starts a server at an address of the configuration.
 *
 * @param setting path of the setting, for messages
 * @param value a valid one
 * @throws ListenError for a port in use, ConfigError for one that this user may not use
 */
export async function listenAsSet<Server>(
  setting: string,
  value: string | number,
  start: (address: ListenAddress) => Promise<Server>,
): Promise<Server> {
  const address = listenAddressOf(value)!;
  try {
    return await start(address);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const words = passing[code];
    if (words) throw new ListenError(`${setting}: ${words(address)}`, { cause: error });
    if (code !== 'EACCES') throw error;
    const problem = `${setting}: this user may not listen on port ${address.port}: choose one from 1024 on`;
    throw new ConfigError('', [problem], problem);
  }
}
