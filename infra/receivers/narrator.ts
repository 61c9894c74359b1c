import { remember } from '#infra/bounded/remember.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { type Output, statusStyle } from '#infra/cli/terminal/output.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import { columnsOf, mostColumns, wrapped } from '#infra/terminal/columns.ts';
import type { ReceiverSecret } from './receiver-secret.ts';
import { eventColumns } from './request-line.ts';
import { isTaken, type PostEnd } from './signed-post.ts';

/** Remarks of one kind that are remembered, the latest: each is made once. */
const mostRemembered = 100;

/** Words in the line of a request besides its end. */
export interface RequestRemarks {
  /** Time at its begin. @default - that of the request */
  readonly when?: string;
  /** True for an event that was forwarded before. */
  readonly isAgain?: boolean;
  /** Words at its end. */
  readonly remarks?: readonly string[];
}

/** Tells how a receiver takes events: addresses and secret, a line a request, and each problem once until a success. */
export function narrator(output: Output) {
  const problems = new Map<string, true>();
  const remarked = new Map<string, true>();

  /** Makes a remark beside the results, in lines that are not too long. */
  const remark = (text: string): void => output.warning(wrapped(text, mostColumns, mostColumns - 2).join('\n  '));

  return {
    remark,
    introduce(facts: Readonly<Record<string, string>>, { text, isNew }: ReceiverSecret): void {
      if (output.isJson) output.item({ ...facts, ...(isNew && { secret: text }) }, () => '');
      else {
        output.facts([...Object.entries(facts), ['secret', isNew ? text : 'that of WEBHOOK_SECRET']]);
        output.line('');
      }
    },
    request(event: EventResource, end: PostEnd, { when, isAgain = false, remarks = [] }: RequestRemarks = {}): void {
      const { id, type, data } = event;
      const { mailbox, direction } = data;
      output.item({ id, type, mailbox, direction, ...(isAgain && { isAgain }), ...end }, () => {
        const { status, failure, code, durationMs, at } = end;
        const result = String(status ?? code ?? failure).padEnd(4);
        const [begin, took] = [`${when ?? at.slice(11, 19)}  `, `${`${durationMs} ms`.padStart(9)}  `];
        const head = columnsOf(begin + result + took);
        const about = eventColumns(event, head, isAgain ? ['again', ...remarks] : remarks);
        return begin + output.paint(statusStyle(isTaken(end) ? 'ok' : 'failed'), result) + took + about;
      });
    },
    /** @param next what follows such an end, where that is not obvious */
    problem(end: PostEnd, next = ''): void {
      const said = attemptWords(end);
      if (isTaken(end)) problems.clear();
      if (isTaken(end) || problems.has(said)) return;
      remember(problems, said, true, mostRemembered);
      remark(`the receiver: ${said}; ${attemptRemedy(end) ?? remedyFor(end.status)}${next && `; ${next}`}`);
    },
    /** Makes a remark unless it was made already. */
    remarkOnce(text: string): void {
      if (!remarked.has(text)) remark(text);
      remember(remarked, text, true, mostRemembered);
    },
  };
}

/** Remedy for an answer that is no success. */
function remedyFor(status = 0): string {
  if (status === 400 || status === 401 || status === 403)
    return 'see whether it has the secret above, and verifies the raw bytes';
  if (status === 404 || status === 405) return 'check the path of its URL, and that it takes POST';
  if (status >= 300 && status < 400) return 'redirects are not followed: name the new URL';
  if (status === 410) return 'the notifier disables an endpoint that answers so';
  return 'look at its log';
}
