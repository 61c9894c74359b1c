import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/**
 * The floors, from the ground up. A file imports from its own folder and from floors below; folders of one floor do not know
 * each other.
 */
const floors = [
  ['functions/parsing', 'functions/clock'],
  ['functions/http'],
  ['functions/lambda', 'functions/dynamodb', 'functions/transfers'],
  ['functions/cryptshare'],
  ['functions/events'],
  ['functions/snapshot'],
  ['functions/watches'],
  ['functions/notices/words'],
  ['functions/notices'],
  ['functions/webhooks/http'],
  ['functions/webhooks/endpoints'],
  ['functions/webhooks/deliveries'],
  ['functions/webhooks/engine'],
  ['functions/poll', 'functions/explain'],
  ['functions/operator/api'],
  ['functions/operator/operations'],
  ['functions/operator', 'functions/declare'],
  ['infra/bounded', 'infra/loopback', 'infra/terminal', 'infra/simulator/protocol'],
  ['infra/config', 'infra/api'],
  ['infra/constructs', 'infra/simulator', 'infra/cli/terminal'],
  ['infra/stack', 'infra/cli/api', 'infra/local/mail'],
  ['infra/simulator/lives'],
  ['infra/cli/commands/endpoint'],
  ['infra/cli/commands', 'infra/cli/secret', 'infra/local/process', 'infra/local/demo', 'infra/local/data'],
  ['infra/cli/doctor', 'infra/service'],
  ['infra/console/words', 'infra/console/assets'],
  ['infra/console/html'],
  ['infra/simulator/page'],
  ['infra/simulator/standalone'],
  ['infra/console/changes', 'infra/console/pages'],
  ['infra/console/pages/watches', 'infra/console/pages/endpoints'],
  ['infra/console'],
  ['infra/local/services'],
  ['infra/twin', 'infra/receivers'],
  ['infra/receivers/check', 'infra/receivers/listen', 'infra/receivers/trigger'],
  ['infra/cli'],
  ['infra/local/console', 'infra/local/monitoring'],
  ['infra/local', 'infra'],
];

/** Files in one folder: more have no order but the alphabet. */
const mostFiles = 19;

/** Lines of a file: one with more asks to be two. */
const mostLines = 300;

const floorOf = new Map(floors.flatMap((folders, floor) => folders.map((folder) => [folder, floor] as const)));
const files = globSync(['functions/**/*.{ts,mts,js}', 'infra/**/*.{ts,mts,js}']).sort();
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport\(?|\bresolve\()\s*['"`]([#.][^'"`]+)/g)].map(
    ([, path]) => (path!.startsWith('#') ? path!.slice(1) : join(dirname(file), path!)),
  );

test('each folder stands on a floor', () => {
  expect([...new Set(files.map(dirname))].filter((folder) => !floorOf.has(folder))).toEqual([]);
});

test('imports run downwards', () => {
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((path) => dirname(path) !== dirname(file) && /\.\w*[jt]s$/.test(path))
      .filter((path) => (floorOf.get(dirname(path)) ?? floors.length) >= floorOf.get(dirname(file))!)
      .map((path) => `${file} imports ${path}`),
  );
  expect(upward).toEqual([]);
});

test('a file names what is in its own folder by ./ and all else by #', () => {
  const crooked = files.flatMap((file) =>
    importsOf(file)
      .filter((path) => floorOf.has(dirname(path)))
      .filter((path) => !readFileSync(file, 'utf8').includes(pathFrom(file, path)))
      .map((path) => `${file} imports ${path}`),
  );
  expect(crooked).toEqual([]);
});

const pathFrom = (file: string, path: string): string =>
  dirname(path) === dirname(file) ? `'./${path.slice(dirname(path).length + 1)}'` : `'#${path}'`;

test(`folders hold at most ${mostFiles} files, and files at most ${mostLines} lines`, () => {
  const crowded = [...Map.groupBy(files, dirname)].filter(([, { length }]) => length > mostFiles);
  const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > mostLines + 1);
  expect({ crowded, long }).toEqual({ crowded: [], long: [] });
});

test('entry files only wire, in fewer than 25 lines', () => {
  const entries = files.filter((file) => /\.lambda\.ts$|\/main\.ts$|^infra\/app\.ts$/.test(file));
  expect(entries.length).toBeGreaterThan(8);
  expect(entries.filter((file) => readFileSync(file, 'utf8').split('\n').length > 25)).toEqual([]);
});

test('functions know nothing of what deploys or runs them', () => {
  const knowing = files.filter(
    (file) => file.startsWith('functions/') && importsOf(file).some((path) => path.startsWith('infra/')),
  );
  expect(knowing).toEqual([]);
});
