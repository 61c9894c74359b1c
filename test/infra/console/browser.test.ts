import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openBrowser } from '#infra/console/browser.ts';

const address = 'http://127.0.0.1:8080/?token=0123456789abcdef';

/** Programs of each system, in a shell: they write the address that a browser would get into a file. */
const programs: readonly (readonly [NodeJS.Platform, name: string, script: string])[] = [
  ['linux', 'xdg-open', 'printf %s "$1"'],
  ['darwin', 'open', 'printf %s "$1"'],
  // It takes `=` and `,` for separators, and opens a folder for what it cannot read.
  ['win32', 'explorer.exe', 'case "$1" in *[=,]*) printf a-folder;; *) printf %s "$1";; esac'],
  ['win32', 'rundll32.exe', 'test "$1" = url.dll,FileProtocolHandler && printf %s "$2"'],
];

it.runIf(process.platform !== 'win32').each(['linux', 'darwin', 'win32'] as const)(
  'opens a browser with the whole address on %s',
  async (platform) => {
    const folder = mkdtempSync(join(tmpdir(), 'browser-'));
    const opened = join(folder, 'opened');
    for (const [of, name, script] of programs) {
      const text = `#!/bin/sh\n(${script}) > ${opened}.new; mv ${opened}.new ${opened}\n`;
      if (of === platform) writeFileSync(join(folder, name), text, { mode: 0o755 });
    }
    const own = Object.getOwnPropertyDescriptor(process, 'platform')!;
    onTestFinished(() => {
      Object.defineProperty(process, 'platform', own);
      rmSync(folder, { recursive: true });
    });
    Object.defineProperty(process, 'platform', { ...own, value: platform });
    const PATH = `${folder}:${process.env.PATH}`;
    expect(await openBrowser(address, { PATH, DISPLAY: ':0' })).toBe(true);
    await vi.waitUntil(() => existsSync(opened));
    expect(readFileSync(opened, 'utf8')).toBe(address);
  },
);
