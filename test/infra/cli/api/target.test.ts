import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { findTarget } from '#infra/cli/api/target.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { problem, ScriptedApi } from '#test/infra/cli/scripted-api.ts';
import { independentSignature } from '#test/support/independent-signature.ts';

const credentials = {
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'example-secret-key',
  sessionToken: 'example-session',
};

let api: ScriptedApi;
let cloudFormation: ScriptedApi;
let folder: string;

beforeAll(async () => {
  api = await ScriptedApi.start();
  cloudFormation = await ScriptedApi.start('other');
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});
beforeEach(() => {
  api.reset();
  cloudFormation.reset();
  api.on('GET /watches', { body: { items: [] } });
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDFORMATION', cloudFormation.url);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', credentials.sessionToken);
  // Nothing of whoever runs the tests, and no request to the metadata service of a machine on AWS.
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'none'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'none'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(async () => {
  await Promise.all([api.close(), cloudFormation.close()]);
  rmSync(folder, { recursive: true });
});

const stacks = (
  outputs: Record<string, string>,
) => `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
  <DescribeStacksResult><Stacks><member><StackName>x</StackName><CreationTime>2026-11-24T00:00:00Z</CreationTime>
  <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${Object.entries(outputs)
    .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
    .join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;

const awsError = (code: string, message: string) => ({
  status: 400,
  type: 'text/xml',
  body: `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
});

const deployed = () => cloudFormation.on('POST /', { type: 'text/xml', body: stacks({ OperatorUrl: `${api.url}/` }) });

describe('a stack', () => {
  test('is found by its name, and asked with the signature that an independent implementation computes', async () => {
    deployed();
    api.on('GET /events', { body: { items: [] } });
    api.on('POST /endpoints/crm/disable', { body: { name: 'crm' } });
    api.on('GET /watches/sent/o%27brien%2Bx%40example.com', { body: { mailbox: 'a', direction: 'sent' } });
    for (const args of [
      ['watch', 'list', '--stack', 'Other'],
      ['endpoint', 'disable', 'crm', '--because', 'Umzug nach Überlingen', '--stack', 'Other'],
      ['watch', 'show', "o'brien+x@example.com", '--stack', 'Other'],
      ['event', 'list', '--type', 'transfer.*', '--tracking-id', 'a%b&c=d+e', '--stack', 'Other'],
    ]) {
      expect(await run(args)).toMatchObject({ code: 0 });
    }
    expect(cloudFormation.requests[0]!.text).toContain('StackName=Other');
    expect(api.requests).toHaveLength(4);
    for (const request of api.requests)
      expect(request.headers.authorization).toBe(
        independentSignature(request, { region: 'eu-central-1', credentials }),
      );
  });

  describe('of which no name is given', () => {
    let here: string;
    beforeEach(() => {
      here = mkdtempSync(join(folder, 'here-'));
      vi.spyOn(process, 'cwd').mockReturnValue(here);
      return () => vi.restoreAllMocks();
    });

    test.each<[string, string | undefined, string]>([
      ['is the usual one where there is no configuration file', undefined, 'TransferNotifier'],
      ['is the usual one where the file names none', '{"watches":[]}', 'TransferNotifier'],
      ['is the one that the file names', '{"stack":"Staging"}', 'Staging'],
    ])('%s', async (_, file, name) => {
      deployed();
      if (file !== undefined) writeFileSync(join(here, 'notifier.config.json'), file);
      expect(await run(['watch', 'list'])).toMatchObject({ code: 0 });
      expect(cloudFormation.requests[0]!.text).toMatch(new RegExp(`StackName=${name}$`));
    });

    test.each(['{"stack":', '{"stack":7}'])('is not guessed where the file is damaged: %s', async (file) => {
      deployed();
      writeFileSync(join(here, 'notifier.config.json'), file);
      const ran = await run(['watch', 'list']);
      expect(ran).toMatchObject({ code: 4 });
      expect(ran.stderr).toMatch(
        /notifier\.config\.json does not tell which stack is meant .*: correct it, or add --stack\n$/,
      );
      expect(cloudFormation.requests).toEqual([]);
    });

    describe('with a local run in the folder data', () => {
      beforeEach(() => {
        vi.restoreAllMocks();
        const before = process.cwd();
        process.chdir(here);
        mkdirSync('data');
        writeFileSync(join('data', 'operator.json'), JSON.stringify({ url: api.url, token: 'example-token' }));
        return () => process.chdir(before);
      });

      test('is not asked for: the local run is meant, and no command that is recommended names it', async () => {
        expect(await run(['watch', 'list'])).toMatchObject({ code: 0 });
        api.on('POST /mailboxes/a%40example.com/code', { status: 202, body: { mailbox: 'a@example.com' } });
        const sent = await run(['watch', 'verify', 'a@example.com', '--send-code']);
        expect(sent.stdout).toContain('npm run notifier -- watch verify a@example.com --code CODE\n');
        expect(cloudFormation.requests).toEqual([]);
      });

      test.each([[['watch', 'list']], [['doctor']]])(
        'is not guessed by %j where the configuration file names one, too',
        async (args) => {
          deployed();
          writeFileSync('notifier.config.json', '{"stack":"Staging"}');
          const ran = await run(args);
          expect(ran).toMatchObject({
            code: 2,
            stderr:
              'a local run keeps its data in data, and notifier.config.json names the stack Staging: add --data data or --stack Staging\n',
          });
          expect([...api.requests, ...cloudFormation.requests]).toEqual([]);
        },
      );

      test('is asked for when it is named', async () => {
        deployed();
        expect(await run(['watch', 'list', '--stack', 'Staging'])).toMatchObject({ code: 0 });
        expect(cloudFormation.requests).toHaveLength(1);
      });

      test('is not asked for by the doctor either, whatever configuration file that is given', async () => {
        deployed();
        const server = { url: 'https://127.0.0.1:9' };
        writeFileSync('other.json', JSON.stringify({ server, watches: [{ mailbox: 'a@example.com' }] }));
        await run(['doctor', '--config', 'other.json']);
        expect(api.requests.map(({ url }) => url)).toContain('/status');
        expect(cloudFormation.requests).toEqual([]);
      });
    });

    test('is that of the file which the doctor is given, and so are the commands that it recommends', async () => {
      deployed();
      const config = join(here, 'staging.json');
      const server = { url: 'https://127.0.0.1:9' };
      writeFileSync(config, JSON.stringify({ stack: 'Staging', server, watches: [{ mailbox: 'a@example.com' }] }));
      api.on('GET /status', { body: { server: server.url, deliveries: { waiting: {}, held: {} }, endpoints: {} } });
      api.on('GET /services', { body: { tables: [], topics: [], queues: [] } });
      const watch = { mailbox: 'a@example.com', direction: 'sent', isDeclared: true, isDisabled: false };
      api.on('GET /watches', { body: { items: [watch] } });
      api.on('GET /mailboxes/a%40example.com/verification', { body: { isVerified: false, methods: [] } });
      const { stdout } = await run(['doctor', '--config', config]);
      expect(cloudFormation.requests[0]!.text).toMatch(/StackName=Staging$/);
      expect(stdout).toContain('npm run notifier -- watch verify a@example.com --stack Staging');
    });
  });

  test.each([
    [
      'ValidationError',
      'Stack with id Nobody does not exist',
      /^cannot look up the stack Nobody: .* does not exist: .*--stack.*\n$/,
    ],
    [
      'ExpiredToken',
      'The security token is expired',
      /^cannot look up the stack Nobody: ExpiredToken.*aws sso login.*\n$/,
    ],
    ['AccessDenied', 'User is not authorized', /^cannot look up the stack Nobody: AccessDenied.*permission.*\n$/],
  ])('that cannot be looked up (%s) is told in one sentence, with exit code 4', async (code, message, expected) => {
    cloudFormation.on('POST /', awsError(code, message));
    const ran = await run(['watch', 'list', '--stack', 'Nobody']);
    expect(ran).toMatchObject({ code: 4, stdout: '' });
    expect(ran.stderr).toMatch(expected);
  });

  test('of an older release, without the operator API, is told', async () => {
    cloudFormation.on('POST /', { type: 'text/xml', body: stacks({ DashboardUrl: 'https://example.com' }) });
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toContain('has no output OperatorUrl: deploy it again');
  });

  test('needs credentials: without them the sentence says how to sign in', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(
      /^cannot look up the stack TransferNotifier: CredentialsProviderError.*sign in.*for a local run, start it first.*--data FOLDER.*\n$/,
    );
  });

  test('needs a region', async () => {
    vi.stubEnv('AWS_REGION', undefined);
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(/AWS_REGION=eu-central-1/);
  });

  test.each([
    ['Forbidden', /HTTP 403, Forbidden\): have the policy attached that the stack's output OperatorsPolicyArn names/],
    ['The security token included in the request is expired', /is expired\): sign in/],
  ])('whose function refuses the caller (%s) has exit code 4, and says what to do', async (Message, expected) => {
    deployed();
    api.on('GET /watches', { status: 403, body: { Message } });
    const ran = await run(['watch', 'list']);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(expected);
  });

  test('may be named by the address of its function, which tells the region', async () => {
    const target = await findTarget({ url: 'https://abc.lambda-url.ap-south-1.on.aws/' }, {});
    const url = new URL(`${target.url}/watches`);
    const { authorization } = await target.sign('GET', url, { accept: 'application/json' }, undefined);
    expect(authorization).toContain('/ap-south-1/lambda/aws4_request');
  });
});

describe('a local run', () => {
  /** A data folder with this text in the file that a local run writes. */
  function dataFolder(name: string, text: string): string {
    const data = join(folder, name);
    mkdirSync(data);
    writeFileSync(join(data, 'operator.json'), text, { mode: 0o600 });
    return data;
  }

  test('is found by its data folder, and gets the token that stands there', async () => {
    const data = dataFolder('data', JSON.stringify({ url: api.url, token: 'example-token' }));
    expect(await run(['watch', 'list', '--data', data])).toMatchObject({ code: 0 });
    expect(api.requests[0]!.headers.authorization).toBe('Bearer example-token');
  });

  test('that is named by its address gets the token in NOTIFIER_TOKEN', async () => {
    const environment = { NOTIFIER_TOKEN: 'example-token' };
    expect(await run(['watch', 'list', '--url', api.url], { environment })).toMatchObject({ code: 0 });
    expect(api.requests[0]!.headers.authorization).toBe('Bearer example-token');
  });

  test('that does not know who asks has exit code 4, and the two ways to be known', async () => {
    api.on('GET /watches', problem(401, 'expected the header Authorization: Bearer TOKEN'));
    const ran = await run(['watch', 'list', '--url', api.url]);
    expect(ran).toMatchObject({ code: 4, stdout: '' });
    expect(ran.stderr).toMatch(/^.*refuses access \(HTTP 401\).*--data FOLDER.*NOTIFIER_TOKEN.*\n$/);
  });

  test.each(['', '{', 'null', '{"url":"http://127.0.0.1:9"}', '{"url":1,"token":"a"}', '{"token":"a"}'])(
    'whose file is damaged (%j) has exit code 4 and the remedy',
    async (text) => {
      const data = dataFolder(`damaged-${text.length}`, text);
      const ran = await run(['watch', 'list', '--data', data]);
      expect(ran).toMatchObject({ code: 4 });
      expect(ran.stderr).toMatch(/^.*operator\.json names no address and token, .*: start the local run again\n$/);
      expect(api.requests).toEqual([]);
    },
  );

  test('that does not run has exit code 4 and the command that starts one', async () => {
    const ran = await run(['watch', 'list', '--data', join(folder, 'nothing')]);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(/operator\.json \(ENOENT\).*npm start/);
  });

  test('that has ended leaves a file behind, which is told', async () => {
    const data = dataFolder('ended', '{"url":"http://127.0.0.1:9","token":"example-token"}');
    const ran = await run(['watch', 'list', '--data', data]);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toMatch(/cannot reach the operator API at http:\/\/127\.0\.0\.1:9 .*still running\?/);
  });

  test('is found by NOTIFIER_URL, unless the command line names another target', async () => {
    const environment = { NOTIFIER_URL: api.url };
    expect(await run(['watch', 'list'], { environment })).toMatchObject({ code: 0 });
    expect(await run(['watch', 'list', '--data', join(folder, 'nothing')], { environment })).toMatchObject({ code: 4 });
  });
});

describe('an address', () => {
  test.each([
    [['--url', 'ftp://example.com'], '--url is ftp://example.com, expected an address'],
    [['--url', 'http://example.com'], 'got http://example.com, expected https:'],
    [['--url', 'http://127.0.0.1:1', '--stack', 'x'], 'got --url and --stack, expected one of them'],
  ])('%s is a wrong command line', async (args, message) => {
    const ran = await run(['watch', 'list', ...args]);
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.stderr).toContain(message);
  });

  test('that leads elsewhere is told by what answered there', async () => {
    api.on('GET /watches', { type: 'text/html', body: '<h1>Welcome</h1>' });
    const ran = await run(['watch', 'list', '--url', api.url]);
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toContain('answered HTTP 200 with text/html, where the operator API answers with JSON');
  });

  test.each(['http://user:hunter2@127.0.0.1:1', 'http://127.0.0.1:1/?token=hunter2', 'http://127.0.0.1:1/#hunter2'])(
    'is refused with what may be a secret in it, which is not repeated: %s',
    async (url) => {
      const { code, stderr } = await run(['status', '--url', url]);
      expect(code).toBe(2);
      expect(stderr).toContain('expected a plain address');
      expect(stderr).not.toContain('hunter2');
    },
  );

  test('is not followed elsewhere by redirects', async () => {
    api.on('GET /watches', { status: 302, type: 'text/plain', body: '' });
    expect(await run(['watch', 'list', '--url', api.url])).toMatchObject({ code: 4 });
  });
});

test('every mistake that the operator API finds is told on a line of its own', async () => {
  const problems = [
    { path: 'mailbox', message: 'expected an e-mail address' },
    { path: 'direction', message: 'expected sent or received' },
  ];
  api.on('POST /watches', problem(400, 'mailbox: …; direction: …', { problems }));
  const ran = await run(['watch', 'add', 'x', '--url', api.url]);
  expect(ran).toMatchObject({ code: 1 });
  expect(ran.stderr).toContain('\n  mailbox: expected an e-mail address\n  direction: expected sent or received\n');
});
