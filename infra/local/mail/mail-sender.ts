import { textOf } from '#functions/notices/text.ts';
import type { Mail, MailAnswer, MailSender } from '#functions/webhooks/http/mail.ts';
import type { Config } from '#infra/config/config.ts';
import type { Credentials } from '#infra/config/credentials.ts';
import { SmtpClient, type SmtpOptions } from './smtp-client.ts';

/** A mail for the terminal; it names the reader, not the address. */
export interface PrintedMail {
  /** Id of the digest. */
  readonly id: string;
  readonly reader: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends mails until it is closed. */
export interface LocalMailSender extends MailSender {
  close(): void;
}

/** Settings of the mail server with the password; undefined without `notify.smtp`. */
export const smtpOptionsOf = ({ notify }: Config, { smtpPassword }: Credentials): SmtpOptions | undefined =>
  notify.smtp && { ...notify.smtp, password: smtpPassword };

/** Sends by SMTP if it is configured. Otherwise mails are printed, as in the demo. */
export function mailSenderOf(
  config: Config,
  credentials: Credentials,
  print: (mail: PrintedMail) => void,
): LocalMailSender {
  const smtp = smtpOptionsOf(config, credentials);
  return smtp ? new SmtpClient(smtp) : terminalMail(print);
}

/** Prints mails in place of sending them. */
export const terminalMail = (print: (mail: PrintedMail) => void): LocalMailSender => ({
  async send({ id, reader, message }: Mail): Promise<MailAnswer> {
    print({ id, reader, subject: message.subject, text: textOf(message) });
    return { response: 'printed, for notify.smtp is not set' };
  },
  close: () => undefined,
});
