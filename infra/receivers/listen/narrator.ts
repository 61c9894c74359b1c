import { neutral, printable } from '#functions/notices/foreign-text.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { subjectOf } from '#infra/cli/commands/event-view.ts';
import { type Output, statusStyle } from '#infra/cli/terminal/output.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import { type Attempt, isTaken } from './forwarding.ts';

/** Secret of the signatures; a new one is shown, and one of the environment is not. */
export interface ListeningSecret {
  readonly text: string;
  readonly isNew: boolean;
}

/** Tells of a session of listening: addresses and secret, a line an attempt, and each problem of the receiver once. */
export function narrator(output: Output, isEventPrinted = false) {
  /** Problems told since the last success. */
  const problems = new Set<string>();

  function tell(event: EventResource, attempt: Attempt): void {
    if (isEventPrinted && attempt.attempt === 1) output.line(JSON.stringify(event));
    // While nothing answers, the same line each second would hide the rest.
    if (attempt.failure === undefined || attempt.attempt === 1)
      output.item({ id: event.id, type: event.type, ...attempt }, () => lineOf(event, attempt));
    const said = attemptWords(attempt);
    if (isTaken(attempt)) problems.clear();
    if (isTaken(attempt) || problems.has(said)) return;
    problems.add(said);
    output.warning(`the receiver: ${said}; ${attemptRemedy(attempt) ?? remedyFor(attempt.status)}`);
  }

  function lineOf(event: EventResource, attempt: Attempt): string {
    const { status, failure, code, durationMs, at } = attempt;
    const times = attempt.attempt > 1 ? `attempt ${attempt.attempt}` : '';
    const result = output.paint(
      statusStyle(isTaken(attempt) ? 'ok' : 'failed'),
      String(status ?? code ?? failure).padEnd(4),
    );
    const parts = [event.type, neutral(subjectOf(event) ?? ''), times].filter(Boolean);
    return `${at.slice(11, 19)}  ${result}${`${durationMs} ms`.padStart(9)}  ${printable(parts.join('  '))}`;
  }

  return {
    tell,
    introduce(api: string, url: string, { text, isNew }: ListeningSecret): void {
      if (output.isJson) output.item({ api, url, ...(isNew && { secret: text }) }, () => '');
      else {
        output.facts([
          ['from', api],
          ['to', url],
          ['secret', isNew ? text : 'that of WEBHOOK_SECRET'],
        ]);
        output.line('');
        output.warning('waiting for events; Ctrl-C ends it');
      }
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
