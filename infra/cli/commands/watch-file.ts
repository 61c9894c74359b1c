import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { addressKey } from '#functions/transfers/address-key.ts';
import { expectedOverdue, isOverdueSensible } from '#functions/transfers/follow.ts';
import { address } from '#functions/transfers/mailbox-address.ts';
import { followed, interval, overdueBefore } from '#infra/cli/terminal/arguments.ts';
import { type CliError, refused } from '#infra/cli/terminal/cli-error.ts';
import { readTextFile } from '#infra/config/text-file.ts';

/** A column that may be missing or empty, read like an option of the command line. */
const column = <T>(read: (text: string) => T) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      if (!text) return undefined;
      try {
        return read(text);
      } catch (error) {
        context.addIssue((error as Error).message.replace(/^E(.*)\.$/, 'e$1'));
        return z.NEVER;
      }
    });

const row = z
  .object({
    mailbox: address,
    direction: z.enum(['sent', 'received'], 'expected sent or received'),
    every: column(interval),
    follow: column(followed),
    overdueBefore: column(overdueBefore),
  })
  .transform(({ every: pollIntervalMs, overdueBefore: overdueBeforeMs, ...watch }) => {
    return { ...watch, pollIntervalMs, overdueBeforeMs };
  })
  .refine(isOverdueSensible, { path: ['overdueBefore'], error: expectedOverdue });

/** Names of columns by their lower-case spelling. */
const spelled: Readonly<Record<string, string>> = { overduebefore: 'overdueBefore' };

export type FileWatch = z.output<typeof row>;

/** Reads the columns mailbox, direction and optionally every, follow and overdueBefore. @throws CliError with the number of every bad line */
export function readWatchFile(file: string): FileWatch[] {
  const watches: FileWatch[] = [];
  const lines = new Map<string, number>();
  const problems: string[] = [];
  for (const { record, info } of parsed(file)) {
    const { data, error } = row.safeParse(record);
    if (!data) {
      const mistakes = error.issues.map(
        ({ path, message }) => `${path.join('.')}: ${message}, got ${JSON.stringify(record[String(path[0])] ?? '')}`,
      );
      problems.push(`line ${info.lines}: ${mistakes.join('; ')}`);
      continue;
    }
    const key = `${data.direction} ${addressKey(data.mailbox)}`;
    const first = lines.get(key);
    if (first === undefined) lines.set(key, info.lines);
    else problems.push(`line ${info.lines}: ${data.mailbox}, ${data.direction} is already in line ${first}`);
    watches.push(data);
  }
  if (problems.length > 0) throw unusable(file, `\n  ${problems.join('\n  ')}`);
  return watches;
}

const unusable = (file: string, what: string): CliError =>
  refused(`${file} cannot be imported, and nothing was added:${what}`);

interface Row {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

function parsed(file: string): Row[] {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    throw unusable(file, ` expected a readable file (${(error as NodeJS.ErrnoException).code})`);
  }
  const columns = (header: readonly string[]): string[] => {
    const names = header.map((name) => name.trim().toLowerCase()).map((name) => spelled[name] ?? name);
    const missing = ['mailbox', 'direction'].filter((name) => !names.includes(name));
    if (missing.length === 0) return names;
    throw unusable(file, ` expected a first line mailbox,direction, got ${JSON.stringify(header.join(','))}`);
  };
  try {
    // Lines with too few or too many fields are reported together with all other mistakes.
    const format = { columns, trim: true, info: true, skip_empty_lines: true, relax_column_count: true };
    const rows = parse<Row>(text, format);
    if (rows.length > 0) return rows;
  } catch (error) {
    if (error instanceof CsvError) throw unusable(file, ` ${error.message.replace(/\s+/g, ' ')}`);
    throw error;
  }
  throw unusable(file, ' expected at least one line below mailbox,direction');
}
