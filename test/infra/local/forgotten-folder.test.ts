import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { dataOfTable } from './data/table-file.ts';
import type { LocalRun } from './local-run.ts';
import { alice, LocalWorld } from './local-world.ts';

const neighbour = `x${alice}`;
const world = await LocalWorld.start();

const hex = (text: string): string => Buffer.from(text).toString('hex');

/** Files of the data folder that have an address in them, in any case, plainly or in hex as keys have it. */
const filesNaming = (address: string, not = '-'): string[] =>
  readdirSync(world.path('data'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .filter(({ parentPath, name }) => {
      const form = new RegExp(`(?<!${not})${address}|(?<!${hex(not)})${hex(address)}`, 'i');
      const bytes = readFileSync(join(parentPath, name));
      return form.test((name.endsWith('.ldb') ? dataOfTable(bytes) : bytes).toString('latin1'));
    })
    .map(({ name }) => name);

async function start(): Promise<LocalRun> {
  const started = world.startReal({ config: { watches: [{ mailbox: neighbour }] } });
  await started.line(({ kind }) => kind === 'ready');
  return started;
}

async function stop(started: LocalRun): Promise<void> {
  started.kill('SIGINT');
  expect(await started.exit()).toBe(0);
}

const cli = (...args: string[]) =>
  run([...args, '--data', world.path('data')], { sleep: async () => void (await wait(100)) });

/** Each look is a command, answered by the run. */
const patiently = { timeout: 60_000, interval: 250 };

it('watch forget leaves no byte of the address in the data folder, once the run has started again', async () => {
  const first = await start();
  const seeded = [alice, neighbour].map((sender) =>
    world.server.transfers.seed({ sender, to: ['bob@example.org'], count: 300, state: 'ACTIVE' }),
  );
  expect(await cli('watch', 'add', alice, '--every', '1s', '--json')).toMatchObject({ code: 0 });
  const baseline = async (mailbox: string) =>
    JSON.parse((await cli('watch', 'show', mailbox, '--json')).stdout).baselineAt !== undefined;
  await expect.poll(() => baseline(alice), patiently).toBe(true);
  await expect.poll(() => baseline(neighbour), patiently).toBe(true);
  for (const transfers of seeded)
    for (const { trackingId } of transfers.slice(0, 20)) world.server.transfers.setState(trackingId, 'FAILED');
  const told = async (mailbox: string) =>
    JSON.parse((await cli('event', 'list', '--mailbox', mailbox, '--json')).stdout).items.length;
  await expect.poll(() => told(alice), patiently).toBe(20);
  await expect.poll(() => told(neighbour), patiently).toBe(20);

  const forgotten = await cli('watch', 'forget', 'ALICE@Example.com', '--yes', '--json');
  expect(forgotten).toMatchObject({ code: 0 });
  expect(JSON.parse(forgotten.stdout)).toMatchObject({ isForgotten: true, removed: { verifications: 1, events: 20 } });
  expect((await cli('watch', 'show', alice)).code).toBe(3);
  await stop(first);
  // Until then, the files keep what was deleted.
  expect(filesNaming(alice, 'x')).toContain('fauxqs.db');
  const second = await start();
  expect(await told(neighbour)).toBe(20);
  await stop(second);
  expect(filesNaming(alice, 'x')).toEqual([]);
  // The search would find it: it finds the neighbour.
  expect(filesNaming(neighbour)).toContainEqual(expect.stringMatching(/\.ldb$/));
}, 120_000);
