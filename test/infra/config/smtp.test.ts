import { describe, expect, it } from 'vitest';
import { smtpSettings, smtpTransportOf } from '#infra/config/smtp.ts';

const from = 'notifier@example.com';

/** Mistakes in settings, each with its path. */
const mistakesIn = (settings: object): string[] =>
  (smtpSettings.safeParse(settings).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('smtpSettings', () => {
  it.each([
    'smtp://mail.example.com',
    'smtp://ops@mail.example.com:587',
    'smtp://ops%40example.com@mail.example.com:25/',
    'smtps://ops@mail.example.com:465',
    'smtps://[2001:db8::1]:465',
    'SMTPS://MAIL.EXAMPLE.COM',
    'smtp://müller.example',
    'smtp://localhost:1025',
  ])('take %s', (url) => {
    expect(mistakesIn({ url, from })).toEqual([]);
  });

  it.each([
    ['https://mail.example.com', 'expected a mail server such as smtp://user@mail.example.com:587'],
    ['mail.example.com:587', 'expected a mail server such as'],
    ['mailto:ops@example.com', 'expected a mail server such as'],
    ['smtp://mail.example.com:99999', 'expected a mail server such as'],
    ['smtp:mail.example.com', 'expected the host name of a mail server'],
    ['smtp://', 'expected the host name of a mail server'],
    ['smtp:///inbox', 'expected the host name of a mail server'],
    ['smtp://mail.example.com/inbox', 'expected nothing behind the port'],
    ['smtp://mail.example.com?starttls=optional', 'expected nothing behind the port'],
    ['smtp://mail.example.com#a', 'expected nothing behind the port'],
    ['smtp://50%off@mail.example.com', 'expected a % in the user name to be written as %25'],
    ['smtp://ops%0d%0a@mail.example.com', 'expected a user name without control characters'],
  ])('refuse %s with what was expected', (url, expected) => {
    expect(mistakesIn({ url, from })).toEqual([expect.stringContaining(`url: ${expected}`)]);
  });

  it.each(['smtp://ops:hunter2@mail.example.com', 'smtps://:hunter2@mail.example.com', 'smtp://ops:hunter2@h/x?y'])(
    'refuse the password in %s, say where it belongs, and do not repeat it',
    (url) => {
      const [mistake = '', ...more] = mistakesIn({ url, from });
      expect(more).toEqual([]);
      expect(mistake).toContain('expected no password here');
      expect(mistake).toContain('SMTP_PASSWORD');
      expect(mistake).not.toContain('hunter2');
    },
  );

  it.each([
    'notifier',
    'Notifier <notifier@example.com>',
    'a@example.com, b@example.com',
    'a@example.com\r\nBcc: b@c.de',
  ])('refuse the sender %j', (sender) => {
    const [mistake, ...more] = mistakesIn({ url: 'smtp://mail.example.com', from: sender });
    expect(mistake).toContain('from: expected an e-mail address');
    expect(more).toEqual([]);
  });

  it('refuse what is missing or unknown', () => {
    const mistakes = mistakesIn({ password: 'hunter2' });
    expect(mistakes.map((mistake) => mistake.replace(/:.*/, ''))).toEqual(['url', 'from', '']);
    expect(mistakes.join()).not.toContain('hunter2');
  });
});

describe('smtpTransportOf', () => {
  const tls = { isImplicitTls: true, mustEncrypt: true };
  const starttls = { isImplicitTls: false, mustEncrypt: true };
  const local = { isImplicitTls: false, mustEncrypt: false };

  it.each([
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, user: undefined, ...starttls }],
    ['smtp://ops@mail.example.com:25', { host: 'mail.example.com', port: 25, user: 'ops', ...starttls }],
    ['smtps://MAIL.example.com', { host: 'mail.example.com', port: 465, user: undefined, ...tls }],
    ['smtps://a%40b.de@mail.example.com', { host: 'mail.example.com', port: 465, user: 'a@b.de', ...tls }],
    ['smtps://a@b.de@mail.example.com', { host: 'mail.example.com', port: 465, user: 'a@b.de', ...tls }],
    ['smtp://müller.example', { host: 'xn--mller-kva.example', port: 587, user: undefined, ...starttls }],
    ['smtp://[2001:DB8::1]:2525', { host: '2001:db8::1', port: 2525, user: undefined, ...starttls }],
    ['smtp://LOCALHOST:1025', { host: 'localhost', port: 1025, user: undefined, ...local }],
    ['smtp://127.0.0.2', { host: '127.0.0.2', port: 587, user: undefined, ...local }],
    ['smtp://127.1', { host: '127.0.0.1', port: 587, user: undefined, ...local }],
    ['smtp://[::1]:25', { host: '::1', port: 25, user: undefined, ...local }],
    ['smtps://localhost', { host: 'localhost', port: 465, user: undefined, ...tls }],
  ])('reads %s', (url, transport) => {
    expect(mistakesIn({ url, from })).toEqual([]);
    expect(smtpTransportOf(url)).toEqual(transport);
  });

  it.each(['smtp://localhost.example.com', 'smtp://127.0.0.1.example.com', 'smtp://0.0.0.0', 'smtp://10.0.0.1'])(
    'demands encryption of %s, which may be another machine',
    (url) => {
      expect(smtpTransportOf(url).mustEncrypt).toBe(true);
    },
  );
});
