import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { restoreBackup } from '#infra/service/restore-backup.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { LocalWorld } from '#test/infra/local/local-world.ts';

const world = await LocalWorld.start({ share: true });
const file = world.path('notifier.backup');
const data = world.path('data');
let files = 0;

beforeAll(async () => {
  const notifier = world.startReal();
  await notifier.line(({ outcome }) => outcome === 'baseline');
  expect((await run(['backup', file, '--data', data])).code).toBe(0);
});

const restore = (from: string, folder: string, ...options: string[]) =>
  run(['restore', from, '--data', folder, ...options]);

/** Names a folder or file that does not exist yet. */
function fresh(): string {
  files += 1;
  return world.path(`fresh-${files}`);
}

/** A folder of a user who is not root, even where root runs this test. */
function ownFolder(): string {
  const folder = fresh();
  mkdirSync(folder);
  if (process.getuid?.() === 0) chownSync(folder, 12_345, 23_456);
  // Its owner has to reach it.
  chmodSync(world.folder, 0o711);
  return folder;
}

/** Modes of all files and folders below a folder. */
const modesIn = (folder: string): number[] =>
  [folder, ...(readdirSync(folder, { recursive: true }) as string[]).map((name) => join(folder, name))].map(
    (path) => statSync(path).mode & 0o077,
  );

describe('restore', () => {
  it('fills a new folder for its owner alone, whatever the mask of the shell, and tells of it', async () => {
    const folder = join(ownFolder(), 'new', 'data');
    const umask = process.umask(0o022);
    const { code, stdout, stderr } = await restore(file, folder, '--json');
    expect(process.umask(umask)).toBe(0o022);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ bytes: statSync(file).size });
    expect(readdirSync(folder).toSorted()).toEqual(['data-key', 'dynamodb', 'queues']);
    expect(readFileSync(join(folder, 'data-key'))).toEqual(readFileSync(join(data, 'data-key')));
    expect(modesIn(folder).filter((mode) => mode !== 0)).toEqual([]);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['half', (bytes) => bytes.subarray(0, bytes.length / 2), 'it ends in the middle'],
    ['changed', (bytes) => Buffer.concat([bytes.subarray(0, -100), Buffer.alloc(100)]), 'it is damaged'],
    ['another', () => Buffer.from('{"server":{}}\n'), 'it is no backup of a notifier'],
    [
      'newer',
      () => Buffer.from('{"kind":"transfer-notifier-backup","format":99,"notifier":"9.0.0"}\n'),
      'version 9.0.0 of the notifier has made it',
    ],
  ])('refuses a file that is %s before it makes the folder', async (_, change, message) => {
    const [wrong, folder] = [fresh(), fresh()];
    writeFileSync(wrong, change(readFileSync(file)));
    const ran = await restore(wrong, folder);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(new RegExp(`^${wrong} cannot be restored: ${message}.*\n$`));
    expect(existsSync(folder)).toBe(false);
  });

  it('refuses a file that does not exist, and a command line without a folder', async () => {
    expect(await restore(world.path('none'), fresh())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(ENOENT'),
    });
    expect((await run(['restore', file])).code).toBe(2);
  });

  it('refuses the folder of a running notifier, and any other that is not empty, and leaves them as they are', async () => {
    expect(await restore(file, data)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ is in use by a notifier, .* stop the notifier that uses it and move it away/),
    });
    const folder = fresh();
    mkdirSync(folder);
    writeFileSync(join(folder, 'letter'), '');
    expect(await restore(file, folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${folder} is not empty (it holds letter)`),
    });
    expect(readdirSync(folder)).toEqual(['letter']);
    expect(readdirSync(data)).not.toContain('restoring');
  });

  it('refuses to make a folder as root in one of root, whose files the user of a service could not read', async () => {
    const folder = join(parse(process.cwd()).root, 'no-such-folder-of-root', 'data');
    await expect(restoreBackup(file, folder, 0)).rejects.toThrow(
      `${folder} does not exist, and would belong to root: the user of the notifier could not read it. Make it first, for that user: install --directory --mode 700 --owner USER ${folder}`,
    );
    expect(existsSync(dirname(folder))).toBe(false);
  });

  it('begins anew after an interrupted restore, whose folder no notifier starts with', async () => {
    const folder = fresh();
    mkdirSync(join(folder, 'restoring', 'dynamodb'), { recursive: true });
    const started = world.startReal({ args: ['--data', folder] });
    expect(await started.exit()).toBe(1);
    expect(started.stderr).toContain('is damaged (a restore into it was interrupted)');
    expect((await restore(file, folder)).code).toBe(0);
    expect(readdirSync(folder).toSorted()).toEqual(['data-key', 'dynamodb', 'queues']);
  });

  describe.runIf(process.getuid?.() === 0)('root', () => {
    const ownedFolder = (mode: number): string => {
      const folder = fresh();
      mkdirSync(folder);
      chmodSync(folder, mode);
      chownSync(folder, 12_345, 23_456);
      // Its owner has to reach it.
      chmodSync(world.folder, 0o711);
      return folder;
    };

    it('gives what it restores to the owner of the folder', async () => {
      const folder = ownedFolder(0o700);
      expect((await restore(file, folder)).code).toBe(0);
      const owners = (readdirSync(folder, { recursive: true }) as string[]).map((name) => statSync(join(folder, name)));
      expect(owners.length).toBeGreaterThan(4);
      expect(owners.filter(({ uid, gid }) => uid !== 12_345 || gid !== 23_456)).toEqual([]);
    });

    it('gives a folder that it makes, and those around it, to the owner of the folder that was there', async () => {
      const around = ownFolder();
      expect((await restore(file, join(around, 'new', 'data'))).code).toBe(0);
      const owners = (readdirSync(around, { recursive: true }) as string[]).map((name) => statSync(join(around, name)));
      expect(owners.length).toBeGreaterThan(6);
      expect(owners.filter(({ uid, gid }) => uid !== 12_345 || gid !== 23_456)).toEqual([]);
    });

    it('writes with the rights of the owner of the folder alone, who could lead root elsewhere by a link', async () => {
      const folder = ownedFolder(0o500);
      const { code, stderr } = await restore(file, folder);
      expect([code, readdirSync(folder)]).toEqual([1, []]);
      expect(stderr).toContain('EACCES');
      expect([process.geteuid!(), process.getegid!()]).toEqual([process.getuid!(), process.getgid!()]);
    });
  });
});
