import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ServicePlaces, unitOf } from '#infra/service/unit.ts';

const folder = mkdtempSync(join(tmpdir(), 'unit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const usual: ServicePlaces = {
  node: process.execPath,
  project: '/opt/transfer-notifier',
  config: '/etc/notifier.config.json',
  data: '/var/lib/transfer-notifier',
  user: 'transfer-notifier',
};

/** Lines of a unit by their setting. */
function settingsOf(places: Partial<ServicePlaces> = {}): Record<string, string | undefined> {
  const lines = unitOf({ ...usual, ...places }).split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s) as [string, string]));
}

describe('unitOf', () => {
  it('restarts by the exit codes of npm start: not after 0, 2 and a second signal, but after any other', () => {
    expect(settingsOf()).toMatchObject({
      Restart: 'on-failure',
      RestartPreventExitStatus: '2',
      SuccessExitStatus: '129 130 143',
    });
  });

  it('has systemd make a data folder below /var/lib, and open any other to the service', () => {
    expect(settingsOf()).toMatchObject({ StateDirectory: 'transfer-notifier', StateDirectoryMode: '0700' });
    expect(settingsOf({ data: '/var/lib/notifiers/one' }).StateDirectory).toBe('notifiers/one');
    for (const data of ['/srv/notifier', '/var/lib', '/var/library/x', '/var/lib/my data']) {
      const { StateDirectory, ReadWritePaths } = settingsOf({ data });
      expect([StateDirectory, ReadWritePaths]).toEqual([undefined, data.includes(' ') ? `"${data}"` : data]);
    }
  });

  it('keeps systemd from replacing anything in an argument', () => {
    const { ExecStart } = settingsOf({ config: '/etc/$HOME/100%/a"b\\c d.json' });
    expect(ExecStart).toContain(
      ' --config "/etc/$$HOME/100%%/a\\"b\\\\c d.json" --data /var/lib/transfer-notifier --json',
    );
  });

  it('lets the service read homes only where something of it lies there', () => {
    const node = '/usr/bin/node';
    expect(settingsOf({ node }).ProtectHome).toBe('yes');
    expect(settingsOf({ node, project: '/home/alice/notifier' }).ProtectHome).toBe('read-only');
    expect(settingsOf({ node, project: '/homes/alice' }).ProtectHome).toBe('yes');
  });
});

const { status: hasSystemd } = spawnSync('systemd-analyze', ['--version']);

/** Writes a unit to a file, and runs systemd-analyze on it. */
function analyze(verb: readonly string[], places: Partial<ServicePlaces> = {}) {
  const file = join(folder, 'transfer-notifier.service');
  writeFileSync(file, unitOf({ ...usual, ...places }));
  const { status, stderr } = spawnSync('systemd-analyze', [...verb, file], { encoding: 'utf8' });
  return { status, stderr };
}

/** Exposure from 0 to 100 by the scale of `systemd-analyze security`; a unit without any protection has 96. */
const mostExposure = 15;

describe.skipIf(hasSystemd !== 0)('unit, to the systemd of this machine (left out without it)', () => {
  it.each<[string, Partial<ServicePlaces>]>([
    ['as it is usual', {}],
    ['with a data folder elsewhere', { data: '/srv/my data/100%' }],
    ['with a project in a home', { project: '/home/alice/notifier' }],
  ])('is sound %s', (_, places) => {
    expect(analyze(['verify', '--man=no'], places)).toEqual({ status: 0, stderr: '' });
  });

  it.each(['a b', '100%', '%h', 'ü', 'a$b', '$HOME', 'a;b', '#a', '@a', '-a'])(
    'starts the program at a path with %s',
    (name) => {
      const bin = join(folder, name, 'bin');
      mkdirSync(bin, { recursive: true });
      symlinkSync(process.execPath, join(bin, 'node'));
      const node = join(bin, 'node');
      expect(analyze(['verify', '--man=no'], { node, project: join(folder, name) })).toEqual({ status: 0, stderr: '' });
    },
  );

  it(`exposes the machine to at most ${mostExposure} of 100`, () => {
    const security = ['security', '--offline=true', '--no-pager', `--threshold=${mostExposure}`];
    expect(analyze(security).status).toBe(0);
    expect(analyze([...security.slice(0, -1), '--threshold=1']).status).not.toBe(0);
  });
});
