import type { Check } from './check.ts';

/** Examples of what has one thing in common. */
const mostExamples = 3;

/** What is wrong with one of many mailboxes or watches, in words for it alone and for several that have it in common. */
export interface Finding {
  /** What was looked at. */
  readonly name: string;
  readonly outcome: 'warn' | 'fail';
  readonly mailbox: string;
  readonly alone: { readonly message: string; readonly remedy?: string };
  /** Continues "3 mailboxes" or "3 watches". */
  readonly together: { readonly noun: string; readonly message: string; readonly remedy?: string };
  /** What findings share that are one. */
  readonly cause: string;
}

/** One check for each cause: in the words for one alone, or with the number and three examples. */
export function checksOf(findings: readonly Finding[]): Check[] {
  const byCause = Map.groupBy(findings, ({ name, outcome, cause }) => JSON.stringify([name, outcome, cause]));
  return [...byCause.values()].map((found) => {
    const { name, outcome, alone, together } = found[0]!;
    if (found.length === 1) return { name, outcome, ...alone };
    const { noun, message, remedy } = together;
    const mailboxes = [...new Set(found.map(({ mailbox }) => mailbox))].toSorted();
    const examples = mailboxes.slice(0, mostExamples).join(', ');
    const told = `${found.length} ${noun} ${message}; for example ${examples}`;
    return { name, outcome, message: told, ...(remedy !== undefined && { remedy }) };
  });
}
