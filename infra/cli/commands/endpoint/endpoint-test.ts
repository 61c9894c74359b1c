import { path } from '#infra/cli/api/client.ts';
import type { AttemptResource, DeliveryResource } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import { timeText } from '#infra/cli/terminal/output.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import { firstAttempt } from './first-attempt.ts';

/** Milliseconds to wait for the first attempt. A request may take 15 s, and a lost wake-up waits for the sweep. */
const timeoutMs = 60_000;

/** Sends a test event and waits for its first attempt. @throws CliError with the reason when it is not delivered */
export async function testEndpoint(session: Session, name: string): Promise<void> {
  const { api, output, hint } = session;
  const { event } = await api.post<{ readonly event: string }>(path`/endpoints/${name}/test`);
  output.progress(`waiting for the answer of ${name} …`);
  const { sleep, now } = session.context;
  const waiting = firstAttempt({ api, sleep, now, mostMs: timeoutMs }, event, name);
  const { delivery, openUntil } = await waiting.finally(() => output.progress(''));
  const attempt = delivery.attempts?.[0];
  output.done(delivery, wordsOf(name, delivery, attempt));
  if (delivery.status === 'DELIVERED') return;
  const remedy = attempt && attemptRemedy(attempt);
  if (remedy !== undefined) output.warning(`→ ${remedy}`);
  const more = hint(`delivery show ${event} ${name}`);
  throw refused(
    attempt === undefined
      ? `the test event has not been attempted, ${unattempted(delivery, openUntil)}: ${more} tells more`
      : `the test event was not taken${delivery.status === 'PENDING' ? '; it is tried again as any other is' : ''}: ${more} tells more`,
  );
}

function unattempted({ status, endpoint }: DeliveryResource, openUntil: string | undefined): string {
  if (status === 'HELD') return `since ${endpoint} is paused or disabled`;
  if (status !== 'PENDING') return 'or its outcome is not known';
  if (openUntil === undefined) return 'though it is due: doctor finds the problem';
  return `since the circuit breaker of ${endpoint} is open after failures, until ${timeText(openUntil)} UTC`;
}

/** `crm answered HTTP 204 in 37 ms`. */
function wordsOf(name: string, { status, reason }: DeliveryResource, attempt: AttemptResource | undefined): string {
  if (attempt === undefined) return `${name}: ${status.toLowerCase()}${reason === undefined ? '' : `, ${reason}`}`;
  const words = attemptWords(attempt);
  if (attempt.failure === undefined && attempt.status === undefined && status === 'DELIVERED')
    return `${name}: delivered in ${attempt.durationMs} ms`;
  if (/^(?:HTTP|SMTP) /.test(words)) return `${name} answered ${words} in ${attempt.durationMs} ms`;
  return `${name}${attempt.status === undefined ? ' gave no answer' : ''}: ${words}, after ${attempt.durationMs} ms`;
}
