import type { AttemptResource } from '#infra/cli/api/resources.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { attemptWords, isTaken } from '#infra/terminal/attempt-words.ts';

type AttemptFacts = Pick<AttemptResource, 'failure' | 'code' | 'status' | 'cause'> & {
  readonly outcome?: string | undefined;
};

/** The end of an attempt in words. @example 'HTTP 204', 'the connection was refused (ECONNREFUSED)' */
export function attemptText({ words: { say } }: PageRequest, facts: AttemptFacts): Html {
  const { failure, code } = facts;
  if (isTaken(facts)) return html`${say('attempts.taken')}`;
  // Answers are numbers in every language; those of mail servers are explained in English.
  if (failure === undefined) return html`<span lang="en">${attemptWords(facts)}</span>`;
  const isTooLong = code === 'BODY_TOO_LONG';
  return html`${say(isTooLong ? 'attempt.too-long' : `attempt.${failure}`)}${code !== undefined && !isTooLong && ` (${code})`}`;
}
