import { neutral, printable } from '#functions/notices/foreign-text.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { subjectOf } from '#infra/cli/commands/event-view.ts';
import { type Output, statusStyle } from '#infra/cli/terminal/output.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import type { ReceiverSecret } from './receiver-secret.ts';
import { isTaken, type PostEnd } from './signed-post.ts';

/** Tells how a receiver takes events: addresses and secret, a line a request, and each problem once until a success. */
export function narrator(output: Output) {
  const problems = new Set<string>();
  return {
    introduce(facts: Readonly<Record<string, string>>, { text, isNew }: ReceiverSecret): void {
      if (output.isJson) output.item({ ...facts, ...(isNew && { secret: text }) }, () => '');
      else {
        output.facts([...Object.entries(facts), ['secret', isNew ? text : 'that of WEBHOOK_SECRET']]);
        output.line('');
      }
    },
    /** @param remark words at the end of the line */
    request(event: EventResource, end: PostEnd, remark = ''): void {
      output.item({ id: event.id, type: event.type, ...end }, () => {
        const { status, failure, code, durationMs, at } = end;
        const result = output.paint(
          statusStyle(isTaken(end) ? 'ok' : 'failed'),
          String(status ?? code ?? failure).padEnd(4),
        );
        const parts = [event.type, neutral(subjectOf(event) ?? ''), remark].filter(Boolean);
        return `${at.slice(11, 19)}  ${result}${`${durationMs} ms`.padStart(9)}  ${printable(parts.join('  '))}`;
      });
    },
    problem(end: PostEnd): void {
      const said = attemptWords(end);
      if (isTaken(end)) problems.clear();
      if (isTaken(end) || problems.has(said)) return;
      problems.add(said);
      output.warning(`the receiver: ${said}; ${attemptRemedy(end) ?? remedyFor(end.status)}`);
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
  return 'look at its log; the notifier repeats such an event for three days';
}
