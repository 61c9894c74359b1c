import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';

/** Milliseconds for one count. */
const countMs = 5000;

/** Reads the number of processed events, until the signal. @throws CliError when there is no number */
export type Count = (signal?: AbortSignal) => Promise<number>;

/** A count by a URL, or by a command of the shell. */
export function countBy(source: string): Count {
  return async (signal) => {
    const text = await (isUrl(source) ? textAt(source, signal) : printedBy(source, signal)).catch((error: Error) => {
      throw wrongCommandLine(`--processed cannot be read: ${error.message}`);
    });
    const count = numberIn(text);
    if (count !== undefined) return count;
    throw wrongCommandLine(
      `--processed: expected a whole number, or JSON such as {"count": 3}; got ${text.slice(0, 80)}`,
    );
  };
}

export const isUrl = (source: string): boolean => /^https?:\/\//i.test(source);

/** The number that a text is, or has in `count`. */
export function numberIn(text: string): number | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const count = typeof value === 'object' && value !== null && 'count' in value ? value.count : value;
    return Number.isSafeInteger(count) && (count as number) >= 0 ? (count as number) : undefined;
  } catch {
    return undefined;
  }
}

async function textAt(url: string, stop?: AbortSignal): Promise<string> {
  const signal = AbortSignal.any([AbortSignal.timeout(countMs), ...(stop ? [stop] : [])]);
  const response = await fetch(url, { redirect: 'error', signal });
  if (!response.ok) throw new Error(`the URL answers ${response.status}`);
  return response.text();
}

async function printedBy(command: string, signal?: AbortSignal): Promise<string> {
  // The command needs no secret; a receiver that it starts or asks has its own.
  const { WEBHOOK_SECRET: _, ...env } = process.env;
  const [shell, flag] = process.platform === 'win32' ? ['cmd.exe', '/c'] : ['/bin/sh', '-c'];
  const { stdout } = await promisify(execFile)(shell, [flag, command], { timeout: countMs, env, signal });
  return stdout.trim();
}
