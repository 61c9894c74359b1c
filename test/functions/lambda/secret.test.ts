import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { EnvironmentError, readDeliverEnvironment, readPollEnvironment } from '#functions/lambda/environment.ts';
import { SecretError, secretText, whenInvoked } from '#functions/lambda/secret.ts';
import { AwsServices } from '#test/infra/cli/secret/aws-services.ts';
import { TestClock } from '#test/support/poll-world.ts';

let aws: AwsServices;
let clock: TestClock;
beforeEach(async () => {
  aws = new AwsServices();
  clock = new TestClock();
  const environment = await aws.start();
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.stubEnv('SECRET_URL', environment.AWS_ENDPOINT_URL_SECRETS_MANAGER);
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

  test('keeps what it has built while the secret is throttled, and asks no more until it is due again', async () => {
    const dependencies = whenInvoked((fields) => fields, minute, now);
    aws.secret = '{"TOKEN":"first"}';
    const first = await dependencies();
    aws.refusal = { of: 'GetSecretValue', name: 'ThrottlingException', message: 'not now' };
    clock.advance(minute);
    expect(await dependencies()).toBe(first);
    const { length } = aws.operations;
    expect(await dependencies()).toBe(first);
    expect(aws.operations).toHaveLength(length);
  });

  test('fails by AWS’s own code while the secret was never read', async () => {
    aws.refusal = { of: 'GetSecretValue', name: 'AccessDeniedException', message: 'not authorized' };
    await expect(whenInvoked((fields) => fields)()).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  test('names the address of Secrets Manager if it is missing', () => {
    vi.stubEnv('SECRET_URL', undefined);
    expect(() => whenInvoked((fields) => fields)).toThrow('SECRET_URL must be where');
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

describe('secretText', () => {
  const signer = { sign: async (request: object) => request } as never;

  /** Answers as Secrets Manager might, in this order; the last answer stays. */
  async function serve(...given: readonly Answer[]) {
    const asked: { readonly target: unknown; readonly body: string }[] = [];
    const server = createServer(async (request, response) => {
      asked.push({ target: request.headers['x-amz-target'], body: await text(request) });
      const { status = 200, headers = {}, body } = given[Math.min(asked.length, given.length) - 1]!;
      if (body === undefined) return;
      response.writeHead(status, headers);
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { asked, read: (tryMs?: number) => secretText({ url, signer }, 'arn:of:secret', tryMs) };
  }

  interface Answer {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** None for a service that hangs. */
    readonly body?: string;
  }

  const full: Answer = { body: '{"Name":"secret","SecretString":"{}"}' };
  const refused = (type: string, status = 400): Answer => {
    return { status, body: JSON.stringify({ __type: type, message: 'because of a rule' }) };
  };

  test('asks for the value of the secret by its ARN', async () => {
    const { asked, read } = await serve({ body: '{"SecretString":"{\\"TOKEN\\":\\"first\\"}"}' });
    expect(await read()).toBe('{"TOKEN":"first"}');
    expect(asked).toEqual([{ target: 'secretsmanager.GetSecretValue', body: '{"SecretId":"arn:of:secret"}' }]);
  });

  test('takes a secret without a text for an empty one', async () => {
    expect(await (await serve({ body: '{"SecretBinary":"e30="}' })).read()).toBe('{}');
  });

  test.each<[string, Answer]>([
    ['throttles', refused('ThrottlingException')],
    ['has too many requests', refused('TooManyRequestsException')],
    ['is at its limit', refused('RequestLimitExceeded')],
    ['answers 429', { status: 429, body: '' }],
    ['has an internal fault', refused('InternalServiceError', 500)],
    ['is out of service', { status: 503, body: '<html>' }],
    ['answers with something else', { body: 'hush-hush' }],
    ['answers with no object', { body: '"hush-hush"' }],
    ['ends its answer early', { headers: { 'content-length': '99' }, body: '{"SecretString":' }],
  ])('asks again when the service %s', async (_, trouble) => {
    const { asked, read } = await serve(trouble, trouble, full);
    expect(await read()).toBe('{}');
    expect(asked).toHaveLength(3);
  });

  test('asks again when the service hangs, and gives up after three times', async () => {
    const hanging = await serve({}, full);
    expect(await hanging.read(1000)).toBe('{}');
    const dead = await serve({});
    await expect(dead.read(100)).rejects.toThrow('no answer (timeout)');
    expect(dead.asked).toHaveLength(3);
  });

  test.each([
    ['AccessDeniedException', {}, 'AccessDeniedException'],
    ['com.amazonaws.secretsmanager#ResourceNotFoundException', {}, 'ResourceNotFoundException'],
    ['no matter', { 'x-amzn-errortype': 'DecryptionFailure:http://internal.amazon.com/' }, 'DecryptionFailure'],
  ])('asks once when the secret is refused by %s, and names AWS’s own code', async (type, headers, name) => {
    const { asked, read } = await serve({ ...refused(type), headers });
    await expect(read()).rejects.toMatchObject({ name, message: expect.stringContaining('because of a rule') });
    expect(asked).toHaveLength(1);
  });

  test('gives up a service that keeps throttling, by its code', async () => {
    const { asked, read } = await serve(refused('ThrottlingException'));
    await expect(read()).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(asked).toHaveLength(3);
  });

  test('repeats no part of an answer that is not as expected', async () => {
    for (const body of ['hush-hush', '["hush-hush"]', '{"SecretString":["hush-hush"]}']) {
      const error: Error = await (await serve({ body })).read().then(fail, (reason) => reason);
      expect(`${error.name} ${error.message}`).not.toContain('hush');
    }
  });
});

const fail = () => Promise.reject(new Error('expected a failure'));

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
    expect(read).toThrow(
      /TRANSFERS_TABLE is missing\n.*POLL_INTERVAL_MS must be.*\n.*QUIET_INTERVAL_MS must be a whole number/,
    );
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
