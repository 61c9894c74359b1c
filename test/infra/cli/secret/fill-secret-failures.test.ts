import { beforeEach, describe, expect, test, vi } from 'vitest';
import { AwsServices } from './aws-services.ts';
import { fill, values } from './filling.ts';

let aws: AwsServices;
beforeEach(async () => {
  aws = new AwsServices();
  for (const [name, value] of Object.entries(await aws.start())) vi.stubEnv(name, value);
  return async () => {
    vi.unstubAllEnvs();
    await aws.stop();
  };
});

describe('secret fill', () => {
  test.each([
    ['is no JSON', 'plain', /expected a JSON object of texts, got something else: put it right in the console/],
    ['holds no texts', '{"DATA_KEY":{}}', /expected a JSON object of texts/],
    ["is not the notifier's", '{"password":"x"}', /expected a field DATA_KEY, .*: name the secret that/],
  ])('leaves a secret alone that %s', async (_, secret, problem) => {
    aws.secret = secret;
    expect(await fill(values)).toMatchObject({ code: 1, stderr: expect.stringMatching(problem) });
    expect(aws.secret).toBe(secret);
  });

  test('leaves a secret alone that would become too large', async () => {
    aws.fields = { UNKNOWN: 'x'.repeat(65_500) };
    const before = aws.secret;
    expect((await fill(values)).stderr).toMatch(/expected at most 65536 bytes, got 65\d\d\d: let webhooks share/);
    expect(aws.secret).toBe(before);
  });

  test('fails while a webhook waits, and tells why', async () => {
    aws.answer = {
      watches: 2,
      endpoints: 1,
      waiting: [{ endpoint: 'ops', because: ['url: expected https:', 'the secret has no field OPS_KEY'] }],
    };
    const { code, lines } = await fill(values);
    expect(code).toBe(1);
    expect(lines.slice(-3)).toEqual([
      'declared: 2 watches, 1 webhook ready',
      'webhook ops waits: url: expected https:',
      'webhook ops waits: the secret has no field OPS_KEY',
    ]);
  });

  test('tells that the function failed', async () => {
    aws.answer = { errorType: 'EnvironmentError', errorMessage: 'the environment is not as expected:\n  X is missing' };
    expect((await fill(values)).stderr).toBe(
      'the function Declare failed: EnvironmentError: the environment is not as expected: X is missing: its log in CloudWatch tells more; the secret is filled, so run this again afterwards\n',
    );
  });

  test('tells that another function answered', async () => {
    aws.answer = {} as never;
    expect((await fill(values)).stderr).toMatch(
      /^the function Declare: expected an answer that tells what was declared/,
    );
  });

  test.each([
    ['GetSecretValue', 'AccessDeniedException', /^cannot read the secret .*: have that permission granted, or name/],
    ['GetSecretValue', 'ExpiredTokenException', /: the sign-in has expired: sign in \(aws sso login/],
    ['GetSecretValue', 'UnrecognizedClientException', /: AWS does not accept the credentials: sign in/],
    ['GetSecretValue', 'InvalidRequestException', /: if the secret is marked for deletion, restore it/],
    ['PutSecretValue', 'LimitExceededException', /^cannot write the secret .*: AWS has reached a limit/],
    ['Invoke', 'AccessDeniedException', /^cannot invoke the function Declare: .*: have that permission granted/],
  ])('explains in one line that AWS refuses %s with %s', async (of, name, expected) => {
    aws.refusal = { of, name, message: 'first line\nsecond line' };
    const { code, stderr } = await fill(values);
    expect(code).toBe(4);
    expect(stderr).toMatch(expected);
    expect(stderr).toMatch(/^[^\n]*first line second line[^\n]*\n$/);
  });

  test.each([
    [{ secret: 'Other' }, /^cannot read the secret Other: ResourceNotFoundException: .*: name what the outputs/],
    [{ declare: 'Other' }, /^cannot invoke the function Other: ResourceNotFoundException: .*: name what the outputs/],
  ])('explains in one line that %j does not exist', async (names, expected) => {
    expect(await fill(values, names)).toMatchObject({ code: 4, stderr: expect.stringMatching(expected) });
  });

  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ['a region', { AWS_REGION: undefined }, /^cannot .*: Region is missing: name the region of the stack, .*\n$/],
    [
      'credentials',
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      /^cannot read the secret NotifierSecret: CredentialsProviderError: .*: sign in \(aws sso login, .*\n$/,
    ],
    [
      'a way to AWS',
      { AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:1' },
      /^cannot read the secret NotifierSecret: .*ECONNREFUSED.*: is AWS reached from here, and .*\n$/,
    ],
  ])('explains in one line that it lacks %s', async (_, change, problem) => {
    for (const [name, value] of Object.entries(change)) vi.stubEnv(name, value);
    expect(await fill(values)).toMatchObject({ code: 4, stdout: '', stderr: expect.stringMatching(problem) });
  });

  test('refuses an unusable configuration before it does anything', async () => {
    expect(await fill(values, { args: ['--config', 'missing.json'] })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'missing.json cannot be used:\n  expected a readable file (ENOENT)\n',
    });
    expect(aws.operations).toEqual([]);
  });
});
