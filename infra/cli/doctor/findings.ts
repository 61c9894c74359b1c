import type { Check } from './check.ts';

/** Examples named in one finding, so that it fits into a line. */
const mostExamples = 3;

/** A problem of one mailbox or watch, worded for it alone and for several with the same cause. */
export interface Finding {
  readonly name: string;
  readonly outcome: 'warn' | 'fail';
  readonly mailbox: string;
  readonly alone: { readonly message: string; readonly remedy?: string };
  /** `message` continues "3 mailboxes" or "3 watches". */
  readonly together: { readonly noun: string; readonly message: string; readonly remedy?: string };
  /** Key by which findings become one check. */
  readonly cause: string;
}

/** Merges findings of one cause into one check, with their number and three examples. */
export function checksOf(findings: readonly Finding[]): Check[] {
  const byCause = Map.groupBy(findings, ({ name, outcome, cause }) => JSON.stringify([name, outcome, cause]));
  return [...byCause.values()].map((found) => {
    const { name, outcome, alone, together } = found[0]!;
    if (found.length === 1) return { name, outcome, ...alone };
    const { noun, message, remedy } = together;
    const mailboxes = [...new Set(found.map(({ mailbox }) => mailbox))].toSorted();
    const examples = mailboxes.slice(0, mostExamples).join(', ');
    return { name, outcome, message: `${found.length} ${noun} ${message}; for example ${examples}`, remedy };
  });
}
