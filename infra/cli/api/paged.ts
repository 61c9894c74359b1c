import type { Command } from 'commander';
import { wholeNumber } from '#infra/cli/terminal/arguments.ts';
import type { Column, Output } from '#infra/cli/terminal/output.ts';
import type { Page } from './resources.ts';
import type { Session } from './session.ts';

export interface PageOptions {
  readonly limit: number;
  readonly all?: boolean;
  readonly cursor?: string;
}

export const paged = (command: Command): Command =>
  command
    .option('--limit <n>', 'most items to list', wholeNumber(1, 100_000), 50)
    .option('--all', 'all items')
    .option('--cursor <cursor>', 'continue after the previous list');

export const readList = <T>(
  { api }: Session,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  { limit, all, cursor }: PageOptions,
): Promise<Page<T>> => api.list<T>(path, { ...query, cursor }, all ? Number.POSITIVE_INFINITY : limit);

/** Prints a list as a table, or the API's answer as JSON. */
export function printList<T>(output: Output, page: Page<T>, columns: readonly Column<T>[], none: string): void {
  output.result(page, () => {
    if (page.items.length === 0) output.warning(none);
    else output.table(columns, page.items);
    if (page.next !== undefined) output.warning(`there are more: add --all, or --cursor ${page.next}`);
  });
}
