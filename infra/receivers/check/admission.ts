import { secretProblem } from '#functions/webhooks/http/signature.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';

const loopbackHost = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/**
 * A URL that may get requests: on this machine, or confirmed to be one's own.
 *
 * @throws CliError for any other, before any request
 */
export function ownUrl(text: string, isConfirmed: boolean): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw wrongCommandLine(`expected a URL such as http://localhost:8080/webhooks, got ${text}`);
  }
  if (url.username !== '' || url.password !== '') throw wrongCommandLine('expected a URL without user and password');
  if (loopbackHost.test(url.hostname) || isConfirmed) return url;
  throw wrongCommandLine(
    `${url.host} is not this machine. The check sends some 70 requests there, a burst among them: add --i-own-this if the receiver is yours.`,
  );
}

/** The receiver's secret, from the environment or a hidden question. @throws CliError for none or an unusable one */
export async function receiverSecret({ environment, prompts }: CliContext): Promise<string> {
  const { WEBHOOK_SECRET: given } = environment;
  const secret = (given || (await prompts?.secret('Secret of the receiver (whsec_…):')))?.trim();
  if (!secret) throw wrongCommandLine('no secret: set the environment variable WEBHOOK_SECRET to whsec_…');
  const problem = secret.startsWith('whsec_') ? secretProblem(secret) : 'expected whsec_ before the key';
  if (problem !== undefined) throw wrongCommandLine(`the secret cannot be used: ${problem}`);
  return secret;
}
