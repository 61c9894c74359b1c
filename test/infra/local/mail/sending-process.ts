import { SmtpClient } from '#infra/local/mail/smtp-client.ts';
import { from, mail } from './mail-servers.ts';

// Sends a mail by the server of the first argument, prints the answer, and closes nothing.
const client = new SmtpClient({ url: process.argv[2]!, from, password: undefined });
process.stdout.write(JSON.stringify(await client.send(mail())));
