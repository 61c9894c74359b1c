import { describe, expect, it } from 'vitest';
import causes from '#functions/events/endpoint-causes.json' with { type: 'json' };
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';

describe('attemptWords', () => {
  it.each([
    ['a mail that was taken', { status: 250 }, 'SMTP 250'],
    ['a webhook that was taken', { status: 204 }, 'HTTP 204'],
    ['a refused mail', { cause: 'mail_refused', status: 552 }, 'the mail server refuses the mail (SMTP 552)'],
    [
      'a refused login',
      { cause: 'mail_login_refused', status: 535 },
      'the mail server refuses user or password (SMTP 535)',
    ],
    ['greylisting', { cause: 'throttled', status: 450 }, 'the mail server asks to come again later (SMTP 450)'],
    ['a throttling receiver', { cause: 'throttled', status: 429 }, 'HTTP 429'],
    ['a busy receiver', { cause: 'throttled', status: 503 }, 'HTTP 503'],
    ['an error of a receiver', { cause: 'http_error', status: 500 }, 'HTTP 500'],
    ['a receiver that hangs', { cause: 'timeout', failure: 'timeout' } as const, 'no answer within 15 s'],
    ['a mail server that hangs', { cause: 'timeout' }, 'the mail server gives no answer within 15 s'],
    [
      'a mail that SNS refuses',
      { cause: 'unreachable', code: 'ThrottledException' },
      'SNS has not taken the mail (ThrottledException)',
    ],
    [
      'a mail server without encryption',
      { cause: 'untrusted_certificate', code: 'STARTTLS_REFUSED', status: 502 },
      'the mail server offers no encryption by STARTTLS (SMTP 502)',
    ],
    [
      'an expired certificate of a mail server',
      { cause: 'untrusted_certificate', code: 'CERT_HAS_EXPIRED' },
      'the mail server’s certificate has expired (CERT_HAS_EXPIRED)',
    ],
  ])('tell of %s', (_, facts, words) => {
    expect(attemptWords(facts)).toBe(words);
  });
});

describe('attemptRemedy', () => {
  it.each(['mail_login_refused', 'mail_refused', 'throttled', 'timeout', 'unreachable', 'untrusted_certificate'])(
    'says what to do about a mail that fails as %s',
    (cause) => {
      expect(Object.keys(causes)).toContain(cause);
      expect(attemptRemedy({ cause })).toMatch(/^(check|correct|look|wait)/);
    },
  );

  it('is none for a receiver that has answered', () => {
    expect(attemptRemedy({ cause: 'http_error', status: 500 })).toBeUndefined();
    expect(attemptRemedy({ cause: 'throttled', status: 429 })).toBeUndefined();
    expect(attemptRemedy({ status: 250 })).toBeUndefined();
  });

  it('names no setting of the Cryptshare Server for a mail server', () => {
    const codes = ['ERR_TLS_CERT_ALTNAME_INVALID', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_SSL_WRONG_VERSION_NUMBER'];
    const others = ['EPROTO', 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'];
    const remedies = [...codes, ...others].map((code) => attemptRemedy({ cause: 'untrusted_certificate', code }));
    expect(remedies.join()).not.toMatch(/server\.url|server\.caFile/);
  });
});

it('says that a success without a number was taken, as that of a mail by a program', () => {
  expect(attemptWords({ outcome: 'delivered' })).toBe('taken');
  expect(attemptWords({ outcome: 'delivered', status: 204 })).toBe('HTTP 204');
  expect(attemptWords({ outcome: 'failed' })).toBe('not told');
});
