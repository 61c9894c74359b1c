import { ConfigError } from '#infra/config/config.ts';
import { mailFailureWords } from '#infra/terminal/mail-words.ts';
import { SmtpClient, type SmtpOptions } from './smtp-client.ts';

/**
 * Connects to the mail server and logs in. A server that asks to come again later is no mistake of the configuration.
 *
 * @returns the problem with its path and remedy, in one line; undefined if there is none
 */
export async function verifySmtp(options: SmtpOptions): Promise<string | undefined> {
  const client = new SmtpClient(options);
  const answer = await client.verify();
  client.close();
  const words = answer.cause === 'throttled' ? undefined : mailFailureWords(answer);
  return words && `notify.smtp.url: ${words.says}; ${words.remedy}`;
}

/** @param file its name, for the message @throws ConfigError if no mail can be sent */
export async function requireMailServer(file: string, options: SmtpOptions | undefined): Promise<void> {
  const problem = options && (await verifySmtp(options));
  if (problem !== undefined) throw new ConfigError(file, [problem]);
}
