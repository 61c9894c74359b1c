import { createHash } from 'node:crypto';
import { z } from 'zod';
import { jsonOf } from '#functions/parsing/json.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { refused, unreachable, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { isLoopback } from '#infra/config/plain-address.ts';

/**
 * Port for a copy of the project, from 20,000 to 29,999: the events of `trigger` are to reach no `listen` of another copy
 * on this machine, which may be another person's.
 */
export const sessionPort = (folder: string): number =>
  20_000 + (createHash('sha256').update(folder).digest().readUInt16BE() % 10_000);

/** Address at which `listen` takes made-up events of `trigger`, unless another session has it. */
export const usualSession = `http://127.0.0.1:${sessionPort(import.meta.dirname)}`;

/** Events that `trigger` hands to a session. */
export interface Handed {
  readonly events: readonly EventResource[];
  readonly isTwice: boolean;
}

/** @throws CliError for anything but http: on this machine */
export function sessionUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' && isLoopback(url.hostname)) return url.origin;
  throw wrongCommandLine(`got the session ${text}, expected the address that listen prints, such as ${usualSession}`);
}

/** Milliseconds for an answer, which needs no receiver. */
const usualTimeoutMs = 10_000;

/** Answer of a session, whatever listens there. */
const answerSchema = z.object({ taken: z.number(), detail: z.string() }).partial().catch({});

/**
 * Hands events to a session, which takes all or none, and forwards them later.
 *
 * @param stop ends it, at Ctrl-C
 * @returns how many events it has taken
 * @throws CliError
 */
export async function handOver(
  session: string,
  handed: Handed,
  stop: AbortSignal,
  timeoutMs = usualTimeoutMs,
): Promise<number> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const unanswered = () => {
    if (stop.aborted) return refused('stopped');
    if (timeout.aborted)
      return unreachable(
        `no answer of ${session} within ${timeoutMs / 1000} s: end that listen, and start another one`,
      );
    return unreachable(`no listen at ${session}: start one with npm run notifier -- listen --forward-to URL`);
  };
  const { status, text } = await post(session, JSON.stringify(handed), AbortSignal.any([stop, timeout])).catch(() => {
    throw unanswered();
  });
  const { taken, detail } = answerSchema.parse(jsonOf(text));
  if (status === 202 && taken !== undefined) return taken;
  if (status === 409 && detail !== undefined) throw refused(`${session}: ${detail}`);
  throw refused(`${session} answered ${status}, expected 202: is it a listen of this version?`);
}

async function post(url: string, body: string, signal: AbortSignal) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
  return { status: answer.status, text: await answer.text() };
}
