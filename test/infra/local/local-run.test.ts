import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '#infra/local/process/exit-codes.ts';
import type { LocalRun } from './local-run.ts';
import { LocalWorld, people } from './local-world.ts';
import { settableClock } from './settable-clock.ts';

const world = await LocalWorld.start();
const { server } = world;
/** The demo, which starts before the other tests: its first digest comes at the next full minute. */
const demoWorld = await LocalWorld.start({ share: true });
let demo: LocalRun;
/** The runs of one test, which begins before the others, since a digest waits ten seconds. */
const restarted = await LocalWorld.start({ share: true });
let restart: Promise<void>;
let onNextPage = () => {};
server.pageListeners.add(() => onNextPage());

const eventsOf = (run: LocalRun) =>
  run.lines.filter(({ kind }) => kind === 'event').map(({ event }) => ({ id: event!.id, ...event!.data }));

beforeAll(() => {
  restart = announceAfterRestart();
  restart.catch(() => undefined);
});

async function announceAfterRestart(): Promise<void> {
  const [first, second] = restarted.server.transfers.seed({ ...people, count: 3, state: 'ACTIVE' });
  const config = { notify: { readers: [{ name: 'team', email: 'team@example.com' }] } };
  const before = restarted.startReal({ config });
  await before.line(({ outcome }) => outcome === 'baseline');
  restarted.server.transfers.setState(first!.trackingId, 'FAILED');
  await before.line(({ kind, event }) => kind === 'event' && event!.data.trackingId === first!.trackingId);
  const intruder = restarted.startReal({ config });
  expect(await intruder.exit()).toBe(1);
  expect(intruder.stderr).toMatch(/data folder .* is in use by another run/);
  before.kill('SIGINT');
  expect(await before.exit()).toBe(0);
  restarted.server.transfers.setState(second!.trackingId, 'FAILED');

  const after = restarted.startReal({ config });
  await after.line(({ kind, text }) => kind === 'notice' && text!.includes(second!.trackingId));
  await after.line(({ outcome }) => outcome === 'unchanged');
  after.kill('SIGINT');
  expect(await after.exit()).toBe(0);
  expect(eventsOf(after).map(({ trackingId }) => trackingId)).toEqual([second!.trackingId]);

  rmSync(restarted.path('data', 'data-key'));
  const damaged = restarted.startReal({ config });
  expect(await damaged.exit()).toBe(1);
  expect(damaged.stdout).toBe('');
  expect(damaged.stderr).toMatch(/^the data folder .* is damaged \(the file data-key is missing.*\n$/);
}

describe('npm start', () => {
  beforeAll(() => {
    const awsConfig = demoWorld.path('aws-config');
    const settings = ['region = us-gov-west-1', 'use_fips_endpoint = true', 'use_dualstack_endpoint = true'];
    writeFileSync(awsConfig, ['[default]', ...settings, 'max_attempts = no', 'credential_process = false'].join('\n'));
    demo = demoWorld.start(['--json'], {
      ...{ AWS_CONFIG_FILE: awsConfig, AWS_SHARED_CREDENTIALS_FILE: awsConfig, AWS_PROFILE: 'none' },
      ...{ AWS_REGION: 'us-gov-west-1', AWS_DEFAULT_REGION: 'nowhere', AWS_SESSION_TOKEN: 'example' },
      ...{ AWS_USE_FIPS_ENDPOINT: 'true', AWS_USE_DUALSTACK_ENDPOINT: 'true', AWS_ACCOUNT_ID: 'none' },
      ...{ AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' },
      ...{ AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true', AWS_MAX_ATTEMPTS: 'many', AWS_RETRY_MODE: 'never' },
      ...{ AWS_DEFAULTS_MODE: 'nothing', AWS_CA_BUNDLE: demoWorld.path('nothing.pem') },
      ...{ AWS_REQUEST_CHECKSUM_CALCULATION: 'sometimes', AWS_SIGV4A_SIGNING_REGION_SET: '*' },
      ...{ AWS_AUTH_SCHEME_PREFERENCE: 'none', POWERTOOLS_LOGGER_SAMPLE_RATE: '1' },
      SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:another-program',
      // So that it starts 20 s before a full minute.
      ...settableClock(demoWorld.folder, 40_000 - (Date.now() % 60_000)),
    });
  });

  it('prints with --verbose each event, request and delivery in lines of its own', async () => {
    const run = world.start(['--verbose']);
    for (const kind of ['event     transfer.', 'receipt   archive  evt_', 'delivery  archive  evt_'])
      await run.line(({ text }) => text!.slice(10).startsWith(kind));
    expect(run.stdout).toMatch(/^ {2}DynamoDB +http/m);
  });

  it('tells a person how to reach the operator API, whose token its owner alone can read', async () => {
    const run = world.start([]);
    // The demo lets the first requests fail.
    await run.line(({ text }) => /archive .*again /.test(text!));
    const [, url, file = ''] = /Operator API +(\S+), with the token in\s+(\S+)/.exec(run.stdout) ?? [];
    expect(run.stdout).toContain(`npm run notifier -- status --data ${dirname(file)}\n`);
    const operator = JSON.parse(readFileSync(file, 'utf8'));
    expect(operator).toEqual({ url, token: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect([statSync(file), statSync(dirname(file))].map(({ mode }) => mode & 0o077)).toEqual([0, 0]);
    run.kill('SIGTERM');
    expect(await run.exit()).toBe(0);
    expect(run.stdout).not.toContain(operator.token);
    expect(existsSync(file)).toBe(false);
    expect(run.stdout).toMatch(/Transfer Notifier {2}ready after [\d.]+ s; Ctrl-C stops it/);
    expect(run.stdout).toMatch(/^ {2}Readers +team$/m);
    expect(run.stdout).toMatch(/ {2}open {6}\d+ deliver(y|ies) to archive.*; the demo keeps nothing\n$/);
    expect(run.stdout).not.toContain('\u001b');
  });

  it('explains options, credentials, signals and exit codes with --help', async () => {
    const run = world.start(['--help']);
    expect(await run.exit()).toBe(0);
    const options = ['--config', '--data', '--notify-existing', '--json', 'CRYPTSHARE_CLIENT_ID'];
    for (const word of [...options, '--verbose', 'SIGINT', 'SIGTERM', 'SIGHUP', 'Exit codes'])
      expect(run.stdout).toContain(word);
    for (const code of [...Object.values(exitCodes), 129, 130, 143]) {
      expect(run.stdout).toMatch(new RegExp(`^  (\\d+, )*${code}(, \\d+)* +\\S`, 'm'));
    }
  });

  it('exits with 1 and one sentence when the folder for temporary files cannot be used', async () => {
    const run = world.start([], { TMPDIR: world.path('none') });
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toMatch(
      /^the folder for temporary files cannot be used \(.*\): mend it, or name another one in TMPDIR\n$/,
    );
  });
});

describe('npm start --config', () => {
  it('exits with 2 for mistakes in file and environment, without repeating a secret', async () => {
    const config = { watches: [{ mailbox: 'alice' }], schedule: { every: 'often' } };
    const run = world.startReal({ config, environment: { CRYPTSHARE_CLIENT_ID: 'short-secret' } });
    expect(await run.exit()).toBe(2);
    expect(run.stdout).toBe('');
    for (const path of ['schedule.every', 'watches[0].mailbox', 'CRYPTSHARE_CLIENT_ID']) {
      expect(run.stderr).toContain(`  ${path}: expected`);
    }
    expect(run.stderr).not.toContain('short-secret');
  });

  it('polls each watch at its own interval, and lists only active transfers in between', async () => {
    const [often, seldom] = ['often@example.com', 'seldom@example.com'];
    const mails = { sender: often, to: ['bob@example.com'] };
    server.transfers.seed({ ...mails, count: 110, state: 'DELETED_BY_EXPIRATION' });
    server.transfers.seed({ ...mails, count: 1, state: 'ACTIVE' });
    const schedule = { every: '1s', fullListingEvery: 3 };
    server.requests.reset();
    world.startReal({ config: { schedule, watches: [{ mailbox: often }, { mailbox: seldom, every: '1h' }] } });
    const pages = (mailbox: string, page: number) =>
      server.requests
        .report()
        .recent.map(({ url }) => new URL(url, server.url))
        .filter(({ pathname }) => pathname.includes(`${encodeURIComponent(mailbox)}/transfers/sent`))
        .filter(({ searchParams }) => searchParams.get('page') === String(page))
        .map(({ searchParams }) => searchParams.get('active'));
    // A new watch may be listed in full more than once at first, as may any while ticks are late.
    await expect.poll(() => pages(often, 1).map(String).join()).toMatch(/(true,?){2}/);
    expect(pages(often, 2)).not.toContain('true');
    expect(pages(seldom, 1).length).toBeLessThanOrEqual(2);
  });

  it('announces after a restart what has changed since, and refuses a data folder in use or damaged', () => restart);

  it('exits with 1 and one sentence when the disk is full, and loses nothing', async () => {
    const run = world.startReal({ diskSpace: 256_000 });
    await run.line(({ outcome }) => outcome === 'baseline');
    const sent = server.transfers.seed({ ...people, count: 40, state: 'ACTIVE' });
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toMatch(
      /^the data folder cannot be written \(.*\); make room on its disk, then start again.*\n$/,
    );
    const after = world.startReal();
    const announced = () => new Set([...eventsOf(run), ...eventsOf(after)].map(({ trackingId }) => trackingId));
    await after.line(() => sent.every(({ trackingId }) => announced().has(trackingId)));
  });

  it('prints as its last line which deliveries are open when an error ends it', async () => {
    const [first] = server.transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
    const config = { webhooks: [{ name: 'crm', url: 'http://127.0.0.1:9/' }] };
    const run = world.startReal({ isCalm: true, config, args: ['--allow-private-webhooks'], diskSpace: 256_000 });
    await run.line(({ text }) => text!.endsWith('stored as the baseline'));
    server.transfers.setState(first!.trackingId, 'FAILED');
    await run.line(({ text }) => / failed .*crm .*again /.test(text!));
    server.transfers.seed({ ...people, count: 400, state: 'ACTIVE' });
    expect(await run.exit()).toBe(1);
    expect(run.stdout).toMatch(/ {2}open {6}\d+ deliver(y|ies) to crm; the next start makes up for it\n$/);
  });

  const kills = Number(process.env.KILLS ?? 2);
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

  it(`loses nothing when killed at any moment and started again (SEED=${seed})`, async () => {
    server.transfers.seed({ ...people, count: 20, state: 'ACTIVE' });
    const random = randomFrom(seed);
    const expected = new Set<string>();
    const printed: ReturnType<typeof eventsOf> = [];
    let run = world.startReal();
    await run.line(({ outcome }) => outcome === 'baseline');
    for (let round = 0; round < kills; round += 1) {
      for (let count = 0; count < 5; count += 1) expected.add(server.transfers.create(people).trackingId);
      const { promise: listed, resolve } = Promise.withResolvers<void>();
      onNextPage = resolve;
      await listed;
      // A poll with changes takes some 40 ms from its listing to its settling.
      await sleep(random() * 50);
      run.kill('SIGKILL');
      await run.exit();
      printed.push(...eventsOf(run));
      run = world.startReal();
    }
    // A killed run may have printed an event that the next one prints again.
    await run.line(() => new Set([...printed, ...eventsOf(run)].map(({ id }) => id)).size >= expected.size);
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    printed.push(...eventsOf(run));
    expect(new Set(printed.map(({ trackingId }) => trackingId))).toEqual(expected);
    expect(new Set(printed.map(({ id }) => id)).size).toBe(expected.size);
  });
});

describe('the demo of npm start', () => {
  it('shows events, a digest and verified webhooks in the demo, whatever the AWS settings of the user', async () => {
    await demo.line(({ kind }) => kind === 'event');
    const receipt = (endpoint: string, status: number, id?: string) =>
      demo.line(
        (line) =>
          line.kind === 'receipt' && line.endpoint === endpoint && line.status === status && (!id || line.id === id),
      );
    expect(await receipt('crm', 204)).toMatchObject({ type: expect.stringMatching(/^transfer\./) });
    // The demo lets the first requests fail.
    const { id } = await receipt('archive', 500);
    await receipt('archive', 204, id);
    const { reader, text } = await demo.line(({ kind }) => kind === 'notice');
    expect({ reader, text }).toEqual({
      reader: 'team',
      text: expect.stringMatching(/^\d+ transfers? /),
    });
    demo.kill('SIGINT');
    expect(await demo.exit()).toBe(0);
    expect(demo.stderr).toBe('');
    expect(demo.stdout).not.toContain('whsec_');
    expect(demo.lines.filter(({ kind }) => kind === undefined)).toEqual([]);
  });
});

/** Numbers from 0 to below 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
