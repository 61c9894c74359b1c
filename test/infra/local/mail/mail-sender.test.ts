import { afterEach, describe, expect, it } from 'vitest';
import type { Config } from '#infra/config/config.ts';
import { mailSenderOf, type PrintedMail } from '#infra/local/mail/mail-sender.ts';
import { closeAll, from, mail, mailServer, password } from './mail-servers.ts';

afterEach(closeAll);

const credentials = { clientId: '', smtpPassword: password };

/** A configuration, as far as mails depend on it. */
const configWith = (notify: object) => ({ notify }) as Config;

describe('mailSenderOf', () => {
  it('sends by the configured server, with the password of the environment', async () => {
    const { port, seen } = await mailServer({ authOptional: false });
    const smtp = { url: `smtp://ops%40example.com@127.0.0.1:${port}`, from };
    const printed: PrintedMail[] = [];
    const sender = mailSenderOf(configWith({ smtp }), credentials, (one) => printed.push(one));
    expect(await sender.send(mail())).toMatchObject({ status: 250 });
    sender.close();
    expect(seen.users).toEqual(['ops@example.com']);
    expect(printed).toEqual([]);
  });

  it('prints mails where no server is configured, and names the reader in place of the address', async () => {
    const printed: PrintedMail[] = [];
    const sender = mailSenderOf(configWith({}), credentials, (one) => printed.push(one));
    const answer = await sender.send(mail());
    expect(answer.cause).toBeUndefined();
    expect(printed).toEqual([
      {
        id: 'dig_0123456789abcdef',
        reader: 'ops',
        subject: '2 transfers have failed',
        text: expect.stringContaining('failed'),
      },
    ]);
    expect(JSON.stringify(printed)).not.toContain('reader@example.com');
  });
});
