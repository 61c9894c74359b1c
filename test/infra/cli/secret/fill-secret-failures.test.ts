import { beforeEach, describe, expect, test, vi } from 'vitest';
import { AwsServices } from './aws-services.ts';
import { run, values } from './filling.ts';

let aws: AwsServices;
beforeEach(async () => {
  aws = new AwsServices();
  for (const [name, value] of Object.entries(await aws.start())) vi.stubEnv(name, value);
  return async () => {
    vi.unstubAllEnvs();
    await aws.stop();
  };
});

describe('a secret is left alone that', () => {
  test.each([
    ['is no JSON', 'plain', /expected a JSON object of texts, got something else: put it right in the console/],
    ['holds no texts', '{"DATA_KEY":{}}', /expected a JSON object of texts/],
    ["is not the notifier's", '{"password":"x"}', /expected a field DATA_KEY, .*: name the secret that/],
  ])('%s', async (_, secret, problem) => {
    aws.secret = secret;
    expect((await run(values)).problem).toMatch(problem);
    expect(aws.secret).toBe(secret);
  });

  test('would become too large', async () => {
    aws.fields = { UNKNOWN: 'x'.repeat(65_500) };
    const before = aws.secret;
    expect((await run(values)).problem).toMatch(/expected at most 65536 bytes, got 65\d\d\d: let webhooks share/);
    expect(aws.secret).toBe(before);
  });
});

describe('what the function answers is said in words:', () => {
  test('webhooks that wait, and why', async () => {
    aws.answer = {
      watches: 2,
      endpoints: 1,
      waiting: [{ endpoint: 'ops', because: ['url: expected https:', 'the secret has no field OPS_KEY'] }],
    };
    const { isReady, lines } = await run(values);
    expect(isReady).toBe(false);
    expect(lines.slice(-3)).toEqual([
      'declared: 2 watches, 1 webhook ready',
      'webhook ops waits: url: expected https:',
      'webhook ops waits: the secret has no field OPS_KEY',
    ]);
  });

  test('that it failed', async () => {
    aws.answer = { errorType: 'EnvironmentError', errorMessage: 'the environment is not as expected:\n  X is missing' };
    expect((await run(values)).problem).toBe(
      'the function Declare failed: EnvironmentError: the environment is not as expected: X is missing: its log in CloudWatch tells more; the secret is filled, so run this again afterwards',
    );
  });

  test('that it is another function', async () => {
    aws.answer = {} as never;
    expect((await run(values)).problem).toMatch(
      /^the function Declare: expected an answer that tells what was declared/,
    );
  });
});

describe('errors of AWS end in one line with what to do:', () => {
  test.each([
    ['GetSecretValue', 'AccessDeniedException', /^could not read the secret .*: have that permission granted, or name/],
    ['GetSecretValue', 'ExpiredTokenException', /: the sign-in has expired: sign in \(aws sso login/],
    ['GetSecretValue', 'UnrecognizedClientException', /: AWS does not accept the credentials: sign in/],
    ['GetSecretValue', 'InvalidRequestException', /: if the secret is marked for deletion, restore it/],
    ['PutSecretValue', 'LimitExceededException', /^could not write the secret .*: AWS has reached a limit/],
    ['Invoke', 'AccessDeniedException', /^could not invoke the function Declare: .*: have that permission granted/],
  ])('%s with %s', async (of, name, expected) => {
    aws.refusal = { of, name, message: 'first line\nsecond line' };
    const { problem } = await run(values);
    expect(problem).toMatch(expected);
    expect(problem).toMatch(/^[^\n]*first line second line[^\n]*$/);
  });

  test.each([
    [{ secret: 'Other' }, /^could not read the secret Other: ResourceNotFoundException: .*: name what the outputs/],
    [
      { declare: 'Other' },
      /^could not invoke the function Other: ResourceNotFoundException: .*: name what the outputs/,
    ],
  ])('names that do not exist: %j', async (names, expected) => {
    expect((await run(values, {}, names)).problem).toMatch(expected);
  });
});
