import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Receipt, startWebhookReceiver, type WebhookReceiver } from '#infra/local/demo/webhook-receiver.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';

const clientId = 'exampleclientid'.repeat(4);
const alice = 'alice@example.com';

let server: CryptshareServer;
let receiver: WebhookReceiver;
let isBroken = false;
const receipts: Receipt[] = [];
let folder: string;
let config: string;
let notifier: LocalRun;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'first-day-'));
  server = await startCryptshareServer();
  receiver = await startWebhookReceiver(
    () => isBroken,
    (receipt) => receipts.push(receipt),
  );
  config = join(folder, 'notifier.config.json');
  const settings = { server: { url: server.url }, schedule: { every: '1s' }, watches: [] };
  writeFileSync(config, JSON.stringify(settings));
  notifier = new LocalRun(['--json', '--config', config, '--data', join(folder, 'data'), '--allow-private-webhooks'], {
    CRYPTSHARE_CLIENT_ID: clientId,
  });
  await notifier.line(({ kind }) => kind === 'ready');
});
afterAll(async () => {
  notifier.kill('SIGKILL');
  await notifier.exit();
  await Promise.all([receiver.close(), server.close()]);
  rmSync(folder, { recursive: true });
});

/** Runs a command that has to succeed. */
async function cli(args: string, options?: RunOptions): Promise<string> {
  const ran = await tried(args, options);
  expect(ran, args).toMatchObject({ code: 0 });
  return ran.stdout;
}

const tried = (args: string, options: RunOptions = {}) =>
  run([...args.split(' '), '--data', join(folder, 'data')], { environment: {}, ...options });

const json = async <T>(args: string): Promise<T> => JSON.parse(await cli(`${args} --json`)) as T;

interface Deliveries {
  readonly items: readonly { readonly event: string; readonly status: string }[];
}

const held = async () =>
  (await json<Deliveries>('delivery list --endpoint crm --status HELD')).items.map(({ event }) => event);

/** Waits for a webhook that was taken. */
const taken = (matches: (receipt: Receipt) => boolean) =>
  expect.poll(() => receipts.some((receipt) => receipt.status === 204 && matches(receipt))).toBe(true);

/** An event about a transfer, once it is announced. */
async function announced(trackingId: string, state: string): Promise<string> {
  const { event } = await notifier.line(
    (line) => line.kind === 'event' && line.event!.data.trackingId === trackingId && line.event!.data.state === state,
  );
  return event!.id;
}

test('a first day: verify, watch, send webhooks, find and mend what breaks, and take it away again', async () => {
  // Nothing is watched yet, and the start and doctor say what to do.
  const add = `npm run notifier -- watch add MAILBOX --data ${join(folder, 'data')}`;
  expect(notifier.stderr + notifier.stdout).toContain(`none in the configuration: ${add}`);
  expect((await cli(`doctor --config ${config}`)).replaceAll(/\s+/g, ' ')).toContain(
    `nothing is watched, so nothing is announced → ${add}`,
  );
  expect(await cli('status')).toMatch(/watches +0, 0 failing, 0 paused/);
  await cli(`watch add ${alice}`);
  await notifier.line(({ problem }) => problem !== undefined);

  // The mailbox is not verified yet, and doctor says what to do.
  const before = await tried(`doctor --config ${config}`);
  expect(before.code).toBe(1);
  expect(before.stdout).toContain(`→ npm run notifier -- watch verify ${alice} --data ${join(folder, 'data')}`);
  const codeInMail = () => server.verifications.codeFor({ mailbox: alice, clientId })!;
  expect(await cli(`watch verify ${alice}`, { answers: [codeInMail] })).toContain(`${alice} is verified by the code`);
  await notifier.line(({ outcome }) => outcome === 'baseline');
  expect(await tried(`doctor --config ${config}`)).toMatchObject({ code: 0 });
  await cli(`watch add ${alice} --direction received`);
  expect((await json<{ items: object[] }>('watch list')).items).toHaveLength(2);

  // An endpoint is added with a secret that is shown once, and a change of state arrives there.
  const added = await json<{ secret: string }>(
    `endpoint add crm --address ${receiver.urlOf('crm')} --retry-delays 3s,10s,30s,1m,2m`,
  );
  receiver.trust('crm', added.secret);
  expect(await cli('endpoint show crm')).not.toContain(added.secret);
  const { trackingId } = server.transfers.create({ sender: alice, to: ['bob@example.com'] });
  const first = await announced(trackingId, 'PROCESSING');
  await taken(({ id }) => id === first);
  expect(await cli(`event list --tracking-id ${trackingId}`)).toContain(first);

  // The receiver breaks. It is disabled until it is mended; what it has missed is held, and sent afterwards.
  isBroken = true;
  server.transfers.setState(trackingId, 'ACTIVE');
  const missed = await announced(trackingId, 'ACTIVE');
  await expect.poll(() => cli(`delivery show ${missed} crm`)).toMatch(/HTTP 500/);
  await cli('endpoint disable crm --because repair');
  await expect.poll(held).toEqual([missed]);
  expect(await cli('status')).toMatch(/deliveries +0 waiting, 1 held/);
  isBroken = false;
  expect(await tried('endpoint recover crm')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('enable it first'),
  });
  await cli('endpoint enable crm');
  expect(await cli('endpoint recover crm')).toContain('1 events held for crm are on their way');
  await taken(({ id }) => id === missed);

  // A receiver that knows only the new secret takes what is signed by both.
  const rotated = await json<{ secret: string }>('endpoint rotate crm --overlap 1h --yes');
  expect(rotated.secret).not.toBe(added.secret);
  receiver.trust('crm', rotated.secret);
  const test = await json<{ event: string }>('endpoint test crm');
  await taken(({ id }) => id === test.event);
  await expect.poll(() => cli(`delivery show ${test.event} crm`)).toMatch(/status +DELIVERED/);

  // Everything is sent again, under the same ids.
  const again = await cli('endpoint replay crm --from 1h', { answers: [true] });
  expect(again).toMatch(/^\d+ events sent to crm from/m);
  for (const event of [first, missed, test.event]) await taken(({ id, isRepetition }) => isRepetition && id === event);

  // It all goes again.
  await cli('endpoint remove crm --yes');
  expect(await tried('endpoint show crm')).toMatchObject({ code: 3 });
  await cli(`watch remove ${alice} --direction received --yes`);
  expect((await json<{ items: object[] }>('watch list')).items).toHaveLength(1);
  notifier.kill('SIGINT');
  expect(await notifier.exit()).toBe(0);
  expect(await tried('status')).toMatchObject({ code: 4 });
  expect(notifier.stdout + notifier.stderr).not.toContain(rotated.secret);
});
