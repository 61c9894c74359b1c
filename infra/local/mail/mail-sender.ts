import type { Config } from '#infra/config/config.ts';
import type { Credentials } from '#infra/config/credentials.ts';
import { SmtpClient, type SmtpOptions } from './smtp-client.ts';

/** Settings of the mail server with the password; undefined without `notify.smtp`. */
export const smtpOptionsOf = ({ notify }: Config, { smtpPassword }: Credentials): SmtpOptions | undefined =>
  notify.smtp && { ...notify.smtp, password: smtpPassword };

/** Sender by SMTP. Without `notify.smtp` there is none: mails go to the topic as on AWS, and the console shows them. */
export function mailSenderOf(config: Config, credentials: Credentials): SmtpClient | undefined {
  const smtp = smtpOptionsOf(config, credentials);
  return smtp && new SmtpClient(smtp);
}
