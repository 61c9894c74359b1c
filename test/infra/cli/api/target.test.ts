import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { proxySettingsIn } from '#functions/http/proxy.ts';
import { ApiClient } from '#infra/cli/api/client.ts';
import { findTarget } from '#infra/cli/api/target.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { problem, ScriptedApi, startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { independentSignature } from '#test/support/independent-signature.ts';

const credentials = {
  ...{ accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example-secret-key', sessionToken: 'example-session' },
};

const api = await startOperatorApi();
const cloudFormation = await ScriptedApi.start('other');
const folder = mkdtempSync(join(tmpdir(), 'cli-'));

beforeEach(() => {
  cloudFormation.reset();
  stackHas({ OperatorUrl: `${api.url}/` });
  api.on('GET /watches', { body: { items: [] } });
  for (const [name, value] of Object.entries({
    AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    // No settings of the user, and no request to the metadata service of a machine on AWS.
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    AWS_EC2_METADATA_DISABLED: 'true',
  }))
    vi.stubEnv(name, value);
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await cloudFormation.close();
  rmSync(folder, { recursive: true });
});

/** Has CloudFormation answer with a stack of these outputs. */
function stackHas(outputs: Record<string, string>): void {
  const body = `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
  <DescribeStacksResult><Stacks><member><StackName>x</StackName><CreationTime>2026-11-24T00:00:00Z</CreationTime>
  <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${Object.entries(outputs)
    .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
    .join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  cloudFormation.on('POST /', { type: 'text/xml', body });
}

const asked = () => cloudFormation.requests.map(({ text }) => /StackName=([^&]*)/.exec(text)?.[1]);

describe('stackTarget', () => {
  it('signs requests as an independent implementation does', async () => {
    api.on('GET /events', { body: { items: [] } });
    api.on('POST /endpoints/crm/disable', { body: { name: 'crm' } });
    api.on('GET /watches/sent/o%27brien%2Bx%40example.com', { body: { mailbox: 'a', direction: 'sent' } });
    for (const args of [
      ['endpoint', 'disable', 'crm', '--because', 'Umzug nach Überlingen', '--stack', 'Other'],
      ['watch', 'show', "o'brien+x@example.com", '--stack', 'Other'],
      ['event', 'list', '--type', 'transfer.*', '--tracking-id', 'a%b&c=d+e', '--stack', 'Other'],
    ]) {
      expect(await run(args)).toMatchObject({ code: 0 });
    }
    expect(asked()).toEqual(['Other', 'Other', 'Other']);
    expect(api.requests).toHaveLength(3);
    for (const request of api.requests) {
      const expected = independentSignature(request, { region: 'eu-central-1', credentials });
      expect(request.headers.authorization).toBe(expected);
      const hash = createHash('sha256').update(request.text).digest('hex');
      expect(request.headers['x-amz-content-sha256']).toBe(hash);
    }
  });

  it.each<[code: string, message: string, says: RegExp]>([
    ['ValidationError', 'Stack with id Other does not exist', /: ValidationError: .* does not exist: .*--stack/],
    ['ExpiredToken', 'The security token is expired', /: ExpiredToken.*aws sso login/],
  ])('reports that the stack cannot be looked up (%s), with exit code 4', async (code, message, says) => {
    const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
    const body = `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">${error}</ErrorResponse>`;
    cloudFormation.on('POST /', { status: 400, type: 'text/xml', body });
    const ran = await run(['watch', 'list', '--stack', 'Other']);
    expect(ran).toMatchObject({ code: 4, stdout: '' });
    expect(ran.stderr).toMatch(/^cannot look up the stack Other: .*\n$/);
    expect(ran.stderr).toMatch(says);
  });

  it.each([
    ['AWS_ACCESS_KEY_ID', /CredentialsProviderError.*sign in.*for a local run, start it first.*--data FOLDER/],
    ['AWS_REGION', /Region is missing: .*AWS_REGION=eu-central-1/],
  ])('says what to do without %s', async (variable, says) => {
    vi.stubEnv(variable, undefined);
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(says);
  });

  it('reports a stack of an earlier release, without the operator API', async () => {
    stackHas({ DashboardUrl: 'https://example.com' });
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toContain('has no output OperatorUrl: deploy it again');
  });

  it.each([
    ['Forbidden', /HTTP 403, Forbidden\): have the policy attached that the stack's output OperatorsPolicyArn names/],
    ['The security token included in the request is expired', /is expired\): sign in/],
  ])('says what to do when the function refuses the caller: %s', async (Message, says) => {
    api.on('GET /watches', { status: 403, body: { Message } });
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(says);
  });
});

describe('functionTarget', () => {
  it('takes the region from the address of the function', async () => {
    const target = await findTarget({ url: 'https://abc.lambda-url.ap-south-1.on.aws/' }, {});
    const url = new URL(`${target.url}/watches`);
    const { authorization } = await target.sign('GET', url, { accept: 'application/json' }, undefined);
    expect(authorization).toContain('/ap-south-1/lambda/aws4_request');
  });
});

describe('localRunHere', () => {
  const nowhere = { server: { url: 'https://127.0.0.1:9' }, watches: [{ mailbox: 'a@example.com' }] };

  beforeEach(() => {
    const before = process.cwd();
    process.chdir(mkdtempSync(join(folder, 'here-')));
    return () => process.chdir(before);
  });

  /** Puts the address file of a local run into the usual data folder. */
  function startLocalRun(): void {
    mkdirSync('data');
    writeFileSync(join('data', 'operator.json'), JSON.stringify({ url: api.url, token: 'example-token' }));
  }

  it.each<[name: string, file: string | undefined]>([
    ['TransferNotifier', undefined],
    ['TransferNotifier', '{"watches":[]}'],
    ['Staging', '{"stack":"Staging"}'],
  ])('asks the stack %s with the configuration file %s', async (name, file) => {
    if (file !== undefined) writeFileSync('notifier.config.json', file);
    expect(await run(['watch', 'list'])).toMatchObject({ code: 0 });
    expect(asked()).toEqual([name]);
  });

  it.each(['{"stack":', '{"stack":7}'])('guesses no stack with the damaged configuration file %s', async (file) => {
    writeFileSync('notifier.config.json', file);
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(/notifier\.config\.json does not tell which stack is meant .*, or add --stack\n$/);
    expect(asked()).toEqual([]);
  });

  it('finds the local run in the folder data, also with a configuration file for the doctor', async () => {
    startLocalRun();
    api.on('POST /mailboxes/a%40example.com/code', { status: 202, body: { mailbox: 'a@example.com' } });
    const sent = await run(['watch', 'verify', 'a@example.com', '--send-code']);
    expect(sent.stdout).toContain('npm run notifier -- watch verify a@example.com --code CODE\n');
    writeFileSync('other.json', JSON.stringify(nowhere));
    await run(['doctor', '--config', 'other.json']);
    expect(api.calls).toContain('GET /status');
    expect(asked()).toEqual([]);
  });

  it.each([[['watch', 'list']], [['doctor']]])(
    'refuses to choose for %j between a local run and a configured stack',
    async (args) => {
      startLocalRun();
      writeFileSync('notifier.config.json', '{"stack":"Staging"}');
      expect(await run(args)).toMatchObject({
        code: 2,
        stderr:
          'a local run keeps its data in data, and notifier.config.json names the stack Staging: add --data data or --stack Staging\n',
      });
      expect([...api.requests, ...cloudFormation.requests]).toEqual([]);
      expect(await run(['watch', 'list', '--stack', 'Staging'])).toMatchObject({ code: 0 });
      expect(asked()).toEqual(['Staging']);
    },
  );

  it('asks the stack of the doctor’s configuration file, and names it in recommended commands', async () => {
    writeFileSync('staging.json', JSON.stringify({ ...nowhere, stack: 'Staging' }));
    api.on('GET /status', {
      body: { server: nowhere.server.url, deliveries: { waiting: {}, held: {} }, endpoints: {} },
    });
    api.on('GET /services', { body: { tables: [], topics: [], queues: [] } });
    const watch = { mailbox: 'a@example.com', direction: 'sent', isDeclared: true, isDisabled: false };
    api.on('GET /watches', { body: { items: [watch] } });
    api.on('GET /mailboxes/a%40example.com/verification', { body: { isVerified: false, methods: [] } });
    const { stdout } = await run(['doctor', '--config', 'staging.json']);
    expect(asked()).toEqual(['Staging']);
    expect(stdout).toContain('npm run notifier -- watch verify a@example.com --stack Staging');
  });
});

describe('localTarget', () => {
  /** Makes a data folder with this text in the file that a local run writes. */
  function dataFolder(text: string): string {
    const data = mkdtempSync(join(folder, 'data-'));
    writeFileSync(join(data, 'operator.json'), text, { mode: 0o600 });
    return data;
  }
  const environment = { NOTIFIER_TOKEN: 'example-token' };

  it('sends the token of the data folder', async () => {
    const data = dataFolder(JSON.stringify({ url: api.url, token: 'example-token' }));
    expect(await run(['watch', 'list', '--data', data])).toMatchObject({ code: 0 });
    expect(api.requests[0]!.headers.authorization).toBe('Bearer example-token');
  });

  it.each([
    ['--url', ['--url', api.url], {}],
    ['NOTIFIER_URL', [], { NOTIFIER_URL: api.url }],
  ])('sends the token in NOTIFIER_TOKEN to the address in %s', async (_, args, more) => {
    expect(await run(['watch', 'list', ...args], { environment: { ...environment, ...more } })).toMatchObject({
      code: 0,
    });
    expect(api.requests[0]!.headers.authorization).toBe('Bearer example-token');
  });

  it('prefers --data to NOTIFIER_URL, and has exit code 4 with the command that starts a missing run', async () => {
    const args = ['watch', 'list', '--data', join(folder, 'nothing')];
    const ran = await run(args, { environment: { NOTIFIER_URL: api.url } });
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(/operator\.json \(ENOENT\).*npm start/);
  });

  it.each(['{', 'null', '{"url":1,"token":"a"}', '{"url":"http://127.0.0.1:9"}'])(
    'has exit code 4 and the remedy for a damaged address file: %j',
    async (text) => {
      const ran = await run(['watch', 'list', '--data', dataFolder(text)]);
      expect(ran).toMatchObject({ code: 4 });
      expect(ran.stderr).toMatch(/^.*operator\.json names no address and token, .*: start the local run again\n$/);
    },
  );

  it('follows a run that was started again to its new address and token', async () => {
    const data = dataFolder('{"url":"http://127.0.0.1:9","token":"example-token-1"}');
    const client = new ApiClient(await findTarget({ data }, {}), proxySettingsIn({}));
    await expect(client.get('/watches')).rejects.toThrow(/cannot reach the operator API at http:\/\/127\.0\.0\.1:9/);
    writeFileSync(join(data, 'operator.json'), JSON.stringify({ url: api.url, token: 'example-token-2' }));
    expect(await client.get('/watches')).toEqual({ items: [] });
    expect(api.requests.at(-1)!.headers.authorization).toBe('Bearer example-token-2');
  });

  it('reports the address file of a run that has ended', async () => {
    const data = dataFolder('{"url":"http://127.0.0.1:9","token":"example-token"}');
    const ran = await run(['watch', 'list', '--data', data]);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(/cannot reach the operator API at http:\/\/127\.0\.0\.1:9 .*still running\?/);
  });
});

describe('ApiClient', () => {
  it.each([
    [
      problem(401, 'expected the header Authorization: Bearer TOKEN'),
      /refuses access \(HTTP 401\).*--data FOLDER.*NOTIFIER_TOKEN.*\n$/,
    ],
    [
      { type: 'text/html', body: '<h1>Welcome</h1>' },
      /answered HTTP 200 with text\/html, where the operator API answers with JSON/,
    ],
    [{ status: 302, type: 'text/plain', body: '' }, /HTTP 302/],
  ])('has exit code 4 for the answer %j', async (answer, says) => {
    api.on('GET /watches', answer);
    const ran = await run(['watch', 'list', '--url', api.url]);
    expect(ran).toMatchObject({ code: 4, stdout: '' });
    expect(ran.stderr).toMatch(says);
  });

  it('prints every mistake that the operator API finds on its own line', async () => {
    const problems = [
      { path: 'mailbox', message: 'expected an e-mail address' },
      { path: 'direction', message: 'expected sent or received' },
    ];
    api.on('POST /watches', problem(400, 'mailbox: …; direction: …', { problems }));
    const ran = await run(['watch', 'add', 'x', '--url', api.url]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('\n  mailbox: expected an e-mail address\n  direction: expected sent or received\n');
  });
});

describe('findTarget', () => {
  it.each([
    [['--url', 'ftp://example.com'], '--url is ftp://example.com, expected an address'],
    [['--url', 'http://example.com'], 'got http://example.com, expected https:'],
    [['--url', 'http://127.0.0.1:1', '--stack', 'x'], 'got --url and --stack, expected one of them'],
    [['--url', 'http://user:hunter2@127.0.0.1:1'], 'expected a plain address'],
    [['--url', 'http://127.0.0.1:1/?token=hunter2'], 'expected a plain address'],
    [['--url', 'http://127.0.0.1:1/#hunter2'], 'expected a plain address'],
  ])('refuses %j, without a secret in the message', async (args, message) => {
    const ran = await run(['watch', 'list', ...args]);
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).not.toContain('hunter2');
  });
});
