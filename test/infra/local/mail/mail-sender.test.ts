import { afterEach, describe, expect, it } from 'vitest';
import type { Config } from '#infra/config/config.ts';
import { mailSenderOf } from '#infra/local/mail/mail-sender.ts';
import { closeAll, from, mail, mailServer, password } from './mail-servers.ts';

afterEach(closeAll);

const credentials = { clientId: '', smtpPassword: password };

/** A configuration, as far as mails depend on it. */
const configWith = (notify: object) => ({ notify }) as Config;

describe('mailSenderOf', () => {
  it('sends by the configured server, with the password of the environment', async () => {
    const { port, seen } = await mailServer({ authOptional: false });
    const smtp = { url: `smtp://ops%40example.com@127.0.0.1:${port}`, from };
    const sender = mailSenderOf(configWith({ smtp }), credentials)!;
    expect(await sender.send(mail())).toMatchObject({ status: 250 });
    sender.close();
    expect(seen.users).toEqual(['ops@example.com']);
  });
});
