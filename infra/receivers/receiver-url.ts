import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { isLoopback } from '#infra/config/plain-address.ts';

/** Remedy for the URL of another machine, where an option can confirm it. */
export const ownerRemedy = 'add --i-own-this if the receiver is yours';

/**
 * Checks the URL of a receiver, which gets requests that it did not ask for.
 *
 * @param isConfirmed true when its owner allows them beyond this machine
 * @param remedy for a URL of another machine
 * @throws CliError for anything but http: or https: on this machine, and https: elsewhere if confirmed
 */
export function receiverUrl(text: string, isConfirmed: boolean, remedy = ownerRemedy): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw wrongCommandLine('expected a URL such as http://localhost:8080/webhooks');
  }
  if (url.username !== '' || url.password !== '') throw wrongCommandLine('expected a URL without user and password');
  if (isLoopback(url.hostname)) return url;
  if (!isConfirmed) throw wrongCommandLine(`${url.host} is not this machine: ${remedy}`);
  if (url.protocol !== 'https:') throw wrongCommandLine(`got http: for ${url.host}, expected https:`);
  return url;
}
