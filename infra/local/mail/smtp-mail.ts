import { domainToASCII } from 'node:url';
import type { SendMailOptions } from 'nodemailer';
import { printable } from '#functions/notices/foreign-text.ts';
import { textOf } from '#functions/notices/text.ts';
import type { Mail } from '#functions/webhooks/http/mail.ts';
import { htmlMail } from './html-mail.ts';

/**
 * Composes a mail for nodemailer. A repetition has the same `Message-ID`, so mail programs show it once.
 *
 * @param from address in normal form
 */
export function smtpMail({ id, reader, address, message }: Mail, from: string): SendMailOptions {
  const domain = domainToASCII(from.slice(from.lastIndexOf('@') + 1));
  return {
    // As objects, the addresses are not parsed: a comma in one would make it two.
    from: { name: 'Transfer Notifier', address: from },
    to: { name: '', address },
    envelope: { from, to: [address] },
    messageId: `<${id}@${domain}>`,
    // Nodemailer passes encoded words on, in which a foreign text could hide line breaks (RFC 2047).
    subject: printable(message.subject).replaceAll('=?', '= ?'),
    text: textOf(message),
    html: htmlMail(message),
    headers: {
      // Readers sort by it (RFC 2919).
      'List-Id': `<${reader}.transfer-notifier.${domain}>`,
      'Content-Language': message.language,
      // No program answers: a note of absence helps no reader (RFC 3834; Microsoft, MS-OXCMAIL).
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
    xMailer: false,
  };
}
