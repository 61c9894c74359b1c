import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentError, readDeliverEnvironment, readPollEnvironment } from '#functions/lambda/environment.ts';
import { SecretError, whenInvoked } from '#functions/lambda/secret.ts';
import { AwsServices } from '#test/infra/cli/secret/aws-services.ts';
import { TestClock } from '#test/support/poll-world.ts';

let aws: AwsServices;
let clock: TestClock;
beforeEach(async () => {
  aws = new AwsServices();
  clock = new TestClock();
  for (const [name, value] of Object.entries(await aws.start())) vi.stubEnv(name, value);
  vi.stubEnv('SECRET_ARN', AwsServices.secretName);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.stop();
});

const now = () => clock.now().getTime();
const minute = 60_000;

describe('whenInvoked', () => {
  test('builds once, and again only when the secret has changed', async () => {
    let built = 0;
    const dependencies = whenInvoked(
      (fields) => {
        built += 1;
        return { ...fields, built };
      },
      5 * minute,
      now,
    );
    aws.secret = '{"TOKEN":"first"}';
    const first = await dependencies();
    expect(first).toEqual({ TOKEN: 'first', built: 1 });
    expect(await dependencies()).toBe(first);
    expect(aws.operations).toHaveLength(1);
    clock.advance(5 * minute);
    expect(await dependencies()).toBe(first);
    aws.secret = '{"TOKEN":"second"}';
    expect(await dependencies()).toBe(first);
    clock.advance(5 * minute);
    expect(await dependencies()).toEqual({ TOKEN: 'second', built: 2 });
    expect(aws.operations).toHaveLength(3);
  });

  test('builds from a secret that was stored with a byte order mark before it', async () => {
    aws.secret = '\ufeff{"TOKEN":"first"}';
    expect(await whenInvoked((fields) => fields, minute, now)()).toEqual({ TOKEN: 'first' });
  });

  test('keeps what it has built while the secret cannot be read', async () => {
    const dependencies = whenInvoked((fields) => fields, minute, now);
    aws.secret = '{"TOKEN":"first"}';
    const first = await dependencies();
    aws.refusal = { of: 'GetSecretValue', name: 'InternalServiceError', message: 'not now' };
    clock.advance(minute);
    expect(await dependencies()).toBe(first);
  });

  test('tries again at each invocation until the secret is filled', async () => {
    const dependencies = whenInvoked(
      ({ TOKEN }) => {
        if (TOKEN === undefined) throw new EnvironmentError('TOKEN is missing');
        return TOKEN;
      },
      5 * minute,
      now,
    );
    await expect(dependencies()).rejects.toThrow('TOKEN is missing');
    aws.secret = '{"TOKEN":"first"}';
    expect(await dependencies()).toBe('first');
  });

  test('needs no secret where there is none', async () => {
    vi.stubEnv('SECRET_ARN', undefined);
    const dependencies = whenInvoked((fields) => fields, minute, now);
    expect(await dependencies()).toEqual({});
    clock.advance(5 * minute);
    await dependencies();
    expect(aws.operations).toEqual([]);
  });

  test.each(['', 'hush-hush', '[1]', 'null', '{"TOKEN":1}', '"hush-hush"'])(
    'refuses the secret %j without repeating it',
    async (text) => {
      aws.secret = text;
      const error = await whenInvoked((fields) => fields)().then(undefined, (reason) => reason);
      expect(error).toBeInstanceOf(SecretError);
      expect(error.message).not.toContain('hush-hush');
    },
  );
});

describe('the environment of a function', () => {
  beforeEach(() => {
    vi.stubEnv('WEBHOOKS_TABLE', 'webhooks');
    vi.stubEnv('WAKE_UP_QUEUE_URL', 'https://sqs.example.com/wake-ups');
    vi.stubEnv('EVENT_RETENTION_DAYS', '30');
    vi.stubEnv('SNS_URL', 'https://sns.example.com');
    vi.stubEnv('TRANSFER_NOTICES_TOPIC_ARN', 'arn:aws:sns:eu-central-1:123456789012:notices');
  });

  const fields = { CRYPTSHARE_CLIENT_ID: 'short'.repeat(9), DATA_KEY: 'hush hush' };

  test('names all variables that are missing or wrong, and repeats no value', () => {
    vi.stubEnv('MAX_CONCURRENT_PAGES', '999');
    vi.stubEnv('QUIET_INTERVAL_MS', '10m');
    const read = () => readPollEnvironment(fields);
    expect(read).toThrow(EnvironmentError);
    expect(read).toThrow(
      /CRYPTSHARE_URL must be.*\n.*CLIENT_ID must be.*\n.*DATA_KEY must be.*\n.*PAGES must be a whole number from 1 to 100/,
    );
    expect(read).toThrow(/TRANSFERS_TABLE is missing\n.*QUIET_INTERVAL_MS must be a whole number/);
    expect(read).not.toThrow(/short|hush/);
  });

  test('prefers variables of the secret', () => {
    const dataKey = `${'B'.repeat(43)}=`;
    vi.stubEnv('DATA_KEY', `${'A'.repeat(43)}=`);
    expect(readDeliverEnvironment({ DATA_KEY: dataKey }).DATA_KEY).toBe(dataKey);
    vi.stubEnv('WEBHOOK_PROXY', 'http://proxy.example.com:3128');
    const withPassword = 'http://me:secret@proxy.example.com:3128';
    const fields = { DATA_KEY: dataKey, WEBHOOK_PROXY: withPassword };
    expect(readDeliverEnvironment(fields).WEBHOOK_PROXY).toBe(withPassword);
    expect(() => readDeliverEnvironment({ ...fields, WEBHOOK_PROXY: 'socks5://secret' })).toThrow(
      /WEBHOOK_PROXY must be a proxy such as http:\/\/HOST:PORT$/,
    );
  });

  test('takes no variable from the secret that decides where a function works and what it may do', () => {
    const read = readDeliverEnvironment({
      DATA_KEY: `${'a1B'.repeat(14)}9`,
      WEBHOOKS_TABLE: 'another',
      ALLOW_PRIVATE_WEBHOOKS: 'yes',
    });
    expect(read).toMatchObject({ WEBHOOKS_TABLE: 'webhooks' });
    expect(read).not.toHaveProperty('ALLOW_PRIVATE_WEBHOOKS');
  });

  test('takes the data key as Secrets Manager makes it: 43 letters and digits', () => {
    expect(() => readDeliverEnvironment({ DATA_KEY: `${'a1B'.repeat(14)}9` })).not.toThrow();
    expect(() => readDeliverEnvironment({ DATA_KEY: 'a1B'.repeat(14) })).toThrow(/must be 32 bytes/);
  });
});
