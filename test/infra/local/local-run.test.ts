import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#infra/local/process/exit-codes.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { LocalRun, type LocalRunOptions } from './local-run.ts';

const clientId = 'exampleclientid'.repeat(4);
const alice = 'alice@example.com';
const people = { sender: alice, to: ['bob@example.com'] };
const credentials = { CRYPTSHARE_CLIENT_ID: clientId };

let server: CryptshareServer;
let folder: string;
const running: LocalRun[] = [];
let onNextPage = () => {};

beforeAll(async () => {
  server = await startCryptshareServer();
  server.verifications.registerClientId(clientId);
  server.onPage(() => onNextPage());
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-run-'));
  return async () => {
    for (const run of running.splice(0)) {
      run.kill('SIGKILL');
      await run.exit();
    }
    rmSync(folder, { recursive: true });
  };
});
afterAll(() => server.close());

function configFile(config: object = {}): string {
  const file = join(folder, 'notifier.config.json');
  const watches = [{ mailbox: alice }];
  writeFileSync(file, JSON.stringify({ server: { url: server.url }, schedule: { every: '1s' }, watches, ...config }));
  return file;
}

function start(
  args: readonly string[],
  environment: Record<string, string> = {},
  options: LocalRunOptions = {},
): LocalRun {
  const run = new LocalRun(args, environment, options);
  running.push(run);
  return run;
}

const startReal = () => start(['--json', '--config', configFile(), '--data', join(folder, 'data')], credentials);

describe('the demo', () => {
  test('shows a state change as event and notice, whatever AWS account the user has, and stops cleanly', async () => {
    const awsConfig = join(folder, 'aws-config');
    const settings = ['region = us-gov-west-1', 'use_fips_endpoint = true', 'use_dualstack_endpoint = true'];
    writeFileSync(awsConfig, ['[default]', ...settings, 'max_attempts = no', 'credential_process = false'].join('\n'));
    const run = start(['--json'], {
      AWS_CONFIG_FILE: awsConfig,
      AWS_SHARED_CREDENTIALS_FILE: awsConfig,
      AWS_PROFILE: 'nobody',
      AWS_REGION: 'us-gov-west-1',
      AWS_DEFAULT_REGION: 'nowhere',
      AWS_SESSION_TOKEN: 'example',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
      AWS_ACCOUNT_ID: 'none',
      AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      AWS_MAX_ATTEMPTS: 'many',
      AWS_RETRY_MODE: 'never',
      AWS_DEFAULTS_MODE: 'nothing',
      AWS_CA_BUNDLE: join(folder, 'nothing.pem'),
      AWS_REQUEST_CHECKSUM_CALCULATION: 'sometimes',
      AWS_SIGV4A_SIGNING_REGION_SET: '*',
      AWS_AUTH_SCHEME_PREFERENCE: 'none',
      SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:another-program',
      POWERTOOLS_LOGGER_SAMPLE_RATE: '1',
    });
    await run.line(({ kind }) => kind === 'ready');
    const { event } = await run.line(({ kind }) => kind === 'event');
    await run.line(({ kind, text }) => kind === 'notice' && text!.includes(event!.data.trackingId));
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(run.stderr).toBe('');
    expect(run.lines.filter(({ kind }) => kind === undefined)).toEqual([]);
  });

  test('speaks to people without colour when it is not on a terminal', async () => {
    const run = start([]);
    await run.line(({ text }) => text!.includes('as the baseline'));
    const [, url, file = ''] = /Operator API +(\S+), with the token in (\S+)/.exec(run.stdout) ?? [];
    // What a person types next finds this run.
    expect(run.stdout).toContain(`npm run notifier -- status --data ${dirname(file)}\n`);
    const operator = JSON.parse(readFileSync(file, 'utf8'));
    expect(operator).toEqual({ url, token: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect([statSync(file), statSync(dirname(file))].map(({ mode }) => mode & 0o077)).toEqual([0, 0]);
    run.kill('SIGTERM');
    expect(await run.exit()).toBe(0);
    expect(run.stdout).not.toContain(operator.token);
    expect(existsSync(file)).toBe(false);
    expect(run.stdout).toMatch(/Transfer Notifier {2}ready after [\d.]+ s; Ctrl-C stops it/);
    expect(run.stdout).not.toContain('\u001b');
  });
});

describe('the schedule of the configuration', () => {
  test('has a watch polled in its own interval, and most polls of another list its active transfers alone', async () => {
    const [often, seldom] = ['often@example.com', 'seldom@example.com'];
    const mails = { sender: often, to: ['bob@example.com'] };
    server.transfers.seed({ ...mails, count: 110, state: 'DELETED_BY_EXPIRATION' });
    server.transfers.seed({ ...mails, count: 1, state: 'ACTIVE' });
    const schedule = { every: '1s', fullListingEvery: 3 };
    const file = configFile({ schedule, watches: [{ mailbox: often }, { mailbox: seldom, every: '1h' }] });
    server.requests.reset();
    start(['--json', '--config', file, '--data', join(folder, 'data')], credentials);
    const pages = (mailbox: string, page: number) =>
      server.requests
        .report()
        .recent.map(({ url }) => new URL(url, server.url))
        .filter(({ pathname }) => pathname.includes(`${encodeURIComponent(mailbox)}/transfers/sent`))
        .filter(({ searchParams }) => searchParams.get('page') === String(page))
        .map(({ searchParams }) => searchParams.get('active'));
    // A new watch may be listed in full more than once at first, and so may any while ticks are late.
    const inTurn = /(true.*){3}null/;
    await expect.poll(() => pages(often, 1).map(String).join()).toMatch(inTurn);
    expect(pages(often, 2)).not.toContain('true');
    expect(pages(seldom, 1).length).toBeLessThanOrEqual(2);
  });
});

test('a damaged data folder is one sentence, with exit code 1, and nothing is started', async () => {
  const before = startReal();
  await before.line(({ outcome }) => outcome === 'baseline');
  before.kill('SIGINT');
  expect(await before.exit()).toBe(0);
  rmSync(join(folder, 'data', 'data-key'));
  const run = startReal();
  expect(await run.exit()).toBe(1);
  expect(run.stdout).toBe('');
  expect(run.stderr).toMatch(/^the data folder .* is damaged \(the file data-key is missing.*\n$/);
});

test('a folder for temporary files that cannot be used is one sentence, with exit code 1', async () => {
  const run = start([], { TMPDIR: join(folder, 'none') });
  expect(await run.exit()).toBe(1);
  expect(run.stderr).toMatch(
    /^the folder for temporary files cannot be used \(.*\): mend it, or name another one in TMPDIR\n$/,
  );
});

test('a disk that fills up ends the run in one sentence, with exit code 1, and nothing is lost', async () => {
  const run = start(['--json', '--config', configFile(), '--data', join(folder, 'data')], credentials, {
    diskSpace: 256_000,
  });
  await run.line(({ outcome }) => outcome === 'baseline');
  const sent = server.transfers.seed({ ...people, count: 40, state: 'ACTIVE' });
  expect(await run.exit()).toBe(1);
  expect(run.stderr).toMatch(/^the data folder cannot be written \(.*\); make room on its disk, then start again.*\n$/);
  const after = startReal();
  const announced = () => new Set([...eventsOf(run), ...eventsOf(after)].map(({ trackingId }) => trackingId));
  await after.line(() => sent.every(({ trackingId }) => announced().has(trackingId)));
});

describe('a wrong start', () => {
  test('names every mistake of file and environment, with exit code 2, and starts nothing', async () => {
    const file = configFile({ watches: [{ mailbox: 'alice' }], schedule: { every: 'often' } });
    const run = start(['--config', file, '--data', join(folder, 'data')], { CRYPTSHARE_CLIENT_ID: 'short-secret' });
    expect(await run.exit()).toBe(2);
    expect(run.stdout).toBe('');
    for (const path of ['schedule.every', 'watches[0].mailbox', 'CRYPTSHARE_CLIENT_ID']) {
      expect(run.stderr).toContain(`  ${path}: expected`);
    }
    expect(run.stderr).not.toContain('short-secret');
  });

  test.each([
    [['--colour'], "unknown option '--colour'"],
    [['--data', 'somewhere'], "'--data <folder>' needs '--config <file>'"],
  ])('%s has exit code 2', async (args, message) => {
    const run = start(args);
    expect(await run.exit()).toBe(2);
    expect(run.stderr).toContain(message);
  });

  test('--help explains options, credentials, signals and exit codes', async () => {
    const run = start(['--help']);
    expect(await run.exit()).toBe(0);
    const options = ['--config', '--data', '--notify-existing', '--json', 'CRYPTSHARE_CLIENT_ID'];
    for (const word of [...options, 'SIGINT', 'SIGTERM', 'SIGHUP', 'Exit codes']) expect(run.stdout).toContain(word);
    for (const code of [...Object.values(exitCodes), 129, 130, 143]) {
      expect(run.stdout).toMatch(new RegExp(`^  (\\d+, )*${code}(, \\d+)* +\\S`, 'm'));
    }
  });

  test('a data folder in use is left alone', async () => {
    const first = startReal();
    await first.line(({ kind }) => kind === 'ready');
    const second = startReal();
    expect(await second.exit()).toBe(1);
    expect(second.stderr).toMatch(/data folder .* is in use by another run/);
  });
});

test('a mailbox that is not verified is named with cause and remedy, and no secret is printed', async () => {
  const unregistered = 'unregistered'.repeat(5);
  const run = start(['--config', configFile(), '--data', join(folder, 'data'), '--json'], {
    CRYPTSHARE_CLIENT_ID: unregistered,
  });
  const { problem } = await run.line((line) => line.problem !== undefined);
  expect(problem).toMatchObject({
    cause: 'not_verified',
    message: expect.stringContaining('npm run notifier -- watch verify'),
  });
  run.kill('SIGINT');
  expect(await run.exit()).toBe(0);
  expect(run.stdout + run.stderr).not.toContain(unregistered);
});

test('after a restart nothing is announced twice, and what happened meanwhile is', async () => {
  const [first, second] = server.transfers.seed({ ...people, count: 3, state: 'ACTIVE' });
  const before = startReal();
  await before.line(({ kind, outcome }) => kind === 'poll' && outcome === 'baseline');
  server.transfers.setState(first!.trackingId, 'FAILED');
  await before.line(({ kind, event }) => kind === 'event' && event!.data.trackingId === first!.trackingId);
  before.kill('SIGINT');
  expect(await before.exit()).toBe(0);
  server.transfers.setState(second!.trackingId, 'FAILED');

  const after = startReal();
  await after.line(({ kind, text }) => kind === 'notice' && text!.includes(second!.trackingId));
  await after.line(({ kind, outcome }) => kind === 'poll' && outcome === 'unchanged');
  after.kill('SIGINT');
  expect(await after.exit()).toBe(0);
  const events = after.lines.filter(({ kind }) => kind === 'event');
  expect(events.map(({ event }) => event!.data.trackingId)).toEqual([second!.trackingId]);
});

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`killed with SIGKILL at any moment and started again, it loses nothing (SEED=${seed})`, async () => {
  server.transfers.seed({ ...people, count: 20, state: 'ACTIVE' });
  const random = randomFrom(seed);
  const expected = new Set<string>();
  const printed: ReturnType<typeof eventsOf> = [];
  let run = startReal();
  await run.line(({ outcome }) => outcome === 'baseline');
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 5; index += 1) expected.add(server.transfers.create(people).trackingId);
    const { promise: listed, resolve } = Promise.withResolvers<void>();
    onNextPage = resolve;
    await listed;
    // A poll with changes takes some 40 ms from its listing to its settling.
    await sleep(random() * 50);
    run.kill('SIGKILL');
    await run.exit();
    printed.push(...eventsOf(run));
    run = startReal();
  }
  await run.line(() => [...printed, ...eventsOf(run)].length >= expected.size);
  run.kill('SIGINT');
  expect(await run.exit()).toBe(0);
  printed.push(...eventsOf(run));

  expect(new Set(printed.map(({ trackingId }) => trackingId))).toEqual(expected);
  expect(new Set(printed.map(({ id }) => id)).size).toBe(expected.size);
});

const eventsOf = (run: LocalRun) =>
  run.lines.filter(({ kind }) => kind === 'event').map(({ event }) => ({ id: event!.id, ...event!.data }));

/** Numbers from 0 to below 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
