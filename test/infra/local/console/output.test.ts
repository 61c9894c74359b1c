import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { childEnvironment } from '#test/support/child-process.ts';

let folder: string;
const running: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'output-'));
  return () => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  };
});

/** A process that prints lines on command. */
class Printer {
  readonly child: ChildProcess;
  private readonly remarks: Interface;
  private readonly iterator: AsyncIterator<string>;

  constructor(stdout: number | 'pipe', command = 'exec "$0" "$@"') {
    const script = ['-c', command, process.execPath, 'test/infra/local/console/printing-process.ts'];
    this.child = spawn('sh', script, { stdio: ['pipe', stdout, 'pipe'], env: { ...childEnvironment } });
    running.push(this.child);
    this.remarks = createInterface({ input: this.child.stderr! });
    this.iterator = this.remarks[Symbol.asyncIterator]();
  }

  /** Prints a line a number of times; returns the warnings until it is done. */
  async print(count: number, line: string): Promise<string[]> {
    this.child.stdin!.write(`${count} ${line}\n`);
    const said: string[] = [];
    for (;;) {
      const warning = await this.warning();
      said.push(warning);
      if (warning.startsWith('printed')) return said;
    }
  }

  async warning(): Promise<string> {
    const { value } = await this.iterator.next();
    return value ?? 'ended';
  }
}

describe('LineOutput', () => {
  it('leaves out and counts the lines that a full disk does not take, and resumes with a whole line', async () => {
    const file = join(folder, 'log');
    // The system refuses what would make the file longer than a block, as a full disk does.
    const printer = new Printer(openSync(file, 'a'), 'ulimit -f 1; exec "$0" "$@"');
    const done = 'printed, 0 bytes wait';
    const line = 'x'.repeat(299);
    const longLine = 'y'.repeat(1100);
    expect(await printer.print(1, line)).toEqual([done]);
    expect(await printer.print(3, longLine)).toEqual(['refused EFBIG', done]);
    expect(await printer.print(1, longLine)).toEqual([done]);
    const before = readFileSync(file, 'utf8');
    truncateSync(file);
    expect(await printer.print(1, 'there is room again')).toEqual([done]);
    expect(before.startsWith(`${line}\n`)).toBe(true);
    expect(readFileSync(file, 'utf8')).toMatch(/^\n?resumed 4\nthere is room again\n$/);
  });

  it('keeps lines for a slow reader up to a bound, and counts those left out', async () => {
    const printer = new Printer('pipe');
    const [warning] = await printer.print(5000, 'x'.repeat(999));
    expect(Number(/\d+/.exec(warning!)![0])).toBeLessThan(1_100_000);
    const printed = text(printer.child.stdout!);
    printer.child.stdin!.end();
    const lines = (await printed).trim().split('\n');
    const [, leftOut] = /^resumed (\d+)$/.exec(lines.at(-1)!)!;
    expect(lines.length - 1 + Number(leftOut)).toBe(5000);
  });

  /** Runs a command on a terminal that shows nothing, and prints its first line on stderr. */
  const frozenTerminal = `
import os, subprocess, sys
shown, terminal = os.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=terminal, stderr=subprocess.PIPE)
child.stdin.write(b'5000 ' + b'x' * 999 + b'\\n')
child.stdin.flush()
print(child.stderr.readline().decode())
child.kill()
`;

  it.skipIf(spawnSync('python3', ['--version']).status !== 0)(
    'is not held up by a terminal that shows nothing, as after Ctrl-S',
    () => {
      const program = [process.execPath, 'test/infra/local/console/printing-process.ts'];
      const options = { encoding: 'utf8', env: { ...childEnvironment }, timeout: 300_000 } as const;
      const { stdout } = spawnSync('python3', ['-c', frozenTerminal, ...program], options);
      expect(stdout).toMatch(/^printed, 10\d{5} bytes wait$/m);
    },
  );

  it('reports once that its reader has gone, and goes on', async () => {
    const printer = new Printer('pipe');
    printer.child.stdout!.destroy();
    await printer.print(1, 'line');
    expect(await printer.warning()).toBe('gone EPIPE');
    expect(await printer.print(3, 'line')).toEqual(['printed, 0 bytes wait']);
  });
});
