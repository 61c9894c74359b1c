import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnvironmentError, readDeliverEnvironment, readPollEnvironment } from '../../functions/env.ts';
import { SecretError, whenInvoked } from '../../functions/secret.ts';
import { type SecretsManager, startSecretsManager } from '../secrets-manager.ts';
import { TestClock } from './transfers/world.ts';

let manager: SecretsManager;
let clock: TestClock;
beforeEach(async () => {
  manager = await startSecretsManager('{}');
  clock = new TestClock();
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', manager.url);
  vi.stubEnv('SECRET_ARN', 'arn:aws:secretsmanager:us-east-1:000000000000:secret:example');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await manager.close();
});

const now = () => clock.now().getTime();
const minute = 60_000;

describe('what a function works with', () => {
  test('is built once, and again only when the secret has changed', async () => {
    let built = 0;
    const dependencies = whenInvoked(
      (fields) => {
        built += 1;
        return { ...fields, built };
      },
      5 * minute,
      now,
    );
    manager.secret = '{"TOKEN":"first"}';
    const first = await dependencies();
    expect(first).toEqual({ TOKEN: 'first', built: 1 });
    expect(await dependencies()).toBe(first);
    expect(manager.calls).toHaveLength(1);
    clock.advance(5 * minute);
    expect(await dependencies()).toBe(first);
    manager.secret = '{"TOKEN":"second"}';
    expect(await dependencies()).toBe(first);
    clock.advance(5 * minute);
    expect(await dependencies()).toEqual({ TOKEN: 'second', built: 2 });
    expect(manager.calls).toHaveLength(3);
  });

  test('stays while the secret cannot be read', async () => {
    const dependencies = whenInvoked((fields) => fields, minute, now);
    manager.secret = '{"TOKEN":"first"}';
    const first = await dependencies();
    manager.secret = undefined;
    clock.advance(minute);
    expect(await dependencies()).toBe(first);
  });

  test('is tried anew at each invocation until the secret is filled', async () => {
    const dependencies = whenInvoked(
      ({ TOKEN }) => {
        if (TOKEN === undefined) throw new EnvironmentError('TOKEN is missing');
        return TOKEN;
      },
      5 * minute,
      now,
    );
    await expect(dependencies()).rejects.toThrow('TOKEN is missing');
    manager.secret = '{"TOKEN":"first"}';
    expect(await dependencies()).toBe('first');
  });

  test('needs no secret where there is none', async () => {
    vi.stubEnv('SECRET_ARN', undefined);
    const dependencies = whenInvoked((fields) => fields, minute, now);
    expect(await dependencies()).toEqual({});
    clock.advance(5 * minute);
    await dependencies();
    expect(manager.calls).toEqual([]);
  });

  test.each(['', 'hush-hush', '[1]', 'null', '{"TOKEN":1}', '"hush-hush"'])(
    'is refused, without repeating it, when the secret is %j',
    async (text) => {
      manager.secret = text;
      const error = await whenInvoked((fields) => fields)().then(undefined, (reason) => reason);
      expect(error).toBeInstanceOf(SecretError);
      expect(error.message).not.toContain('hush-hush');
    },
  );
});

describe('variables', () => {
  const fields = { CRYPTSHARE_CLIENT_ID: 'too-short', CRYPTSHARE_VERIFICATION_TOKEN: 'hush hush' };

  test('that are missing or wrong are all named, and no value is repeated', () => {
    const read = () => readPollEnvironment({ ...fields, MAX_CONCURRENT_PAGES: '99' });
    expect(read).toThrow(EnvironmentError);
    expect(read).toThrow(/CRYPTSHARE_URL must be.*\n.*CLIENT_ID must be.*\n.*TOKEN must be.*\n.*PAGES must be 1 to 32/);
    expect(read).toThrow(/TRANSFERS_TABLE is missing/);
    expect(read).not.toThrow(/too-short|hush/);
  });

  test('of the secret go before those of the environment', () => {
    const dataKey = `${'B'.repeat(43)}=`;
    vi.stubEnv('WEBHOOKS_TABLE', 'webhooks');
    vi.stubEnv('DOORBELL_QUEUE_URL', 'https://sqs.example.com/doorbells');
    vi.stubEnv('DATA_KEY', `${'A'.repeat(43)}=`);
    expect(readDeliverEnvironment({ DATA_KEY: dataKey }).DATA_KEY).toBe(dataKey);
  });

  test('take the data key as Secrets Manager makes it: 43 letters and digits', () => {
    vi.stubEnv('WEBHOOKS_TABLE', 'webhooks');
    vi.stubEnv('DOORBELL_QUEUE_URL', 'https://sqs.example.com/doorbells');
    expect(() => readDeliverEnvironment({ DATA_KEY: `${'a1B'.repeat(14)}9` })).not.toThrow();
    expect(() => readDeliverEnvironment({ DATA_KEY: 'a1B'.repeat(14) })).toThrow(/must be 32 bytes/);
  });
});
