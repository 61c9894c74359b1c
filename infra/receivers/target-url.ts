import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { isLoopback } from '#infra/config/plain-address.ts';

/**
 * Checks the URL of a receiver, which gets requests that it did not ask for.
 *
 * @param isConfirmed true when its owner allows them beyond this machine
 * @throws CliError for anything but http: on this machine, and https: elsewhere if confirmed
 */
export function receiverUrl(text: string, isConfirmed: boolean): URL {
  const url = URL.parse(text);
  const isUsable = url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!isUsable) throw wrongCommandLine('expected the URL of a receiver such as http://localhost:3000/hooks');
  if (isLoopback(url.hostname)) return url;
  if (!isConfirmed)
    throw wrongCommandLine(`${url.hostname} is another machine: requests may go there only if the receiver is yours`);
  if (url.protocol !== 'https:') throw wrongCommandLine(`got http: for ${url.hostname}, expected https:`);
  return url;
}
