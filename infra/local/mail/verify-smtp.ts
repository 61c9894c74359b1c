import { ConfigError } from '#infra/config/config.ts';
import { mailFailureWords } from '#infra/terminal/mail-words.ts';
import { SmtpClient, type SmtpOptions } from './smtp-client.ts';

/** Thrown when the mail server does not answer. It may do so in a minute, so a supervisor has to try again. */
export class MailServerError extends Error {
  override readonly name = 'MailServerError';
}

/**
 * Connects to the mail server and logs in. A server that asks to come again later is no mistake of the configuration.
 *
 * @returns the problem with its path and remedy, in one line, and whether it may pass; undefined if there is none
 */
export async function verifySmtp(options: SmtpOptions) {
  const client = new SmtpClient(options);
  const answer = await client.verify();
  client.close();
  const { cause } = answer;
  const words = cause === 'throttled' ? undefined : mailFailureWords(answer);
  const mayPass = cause === 'unreachable' || cause === 'timeout';
  return words && { problem: `notify.smtp.url: ${words.says}; ${words.remedy}`, mayPass };
}

/**
 * @param file its name, for the message
 * @throws ConfigError if no mail can be sent
 * @throws MailServerError if none can be sent now
 */
export async function requireMailServer(file: string, options: SmtpOptions | undefined): Promise<void> {
  const found = options && (await verifySmtp(options));
  if (found) throw found.mayPass ? new MailServerError(found.problem) : new ConfigError(file, [found.problem]);
}
