import type { EventResource } from '#infra/cli/api/resources.ts';
import { refused, unreachable, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { isLoopback } from '#infra/config/plain-address.ts';

/** Address at which `listen` takes made-up events of `trigger`, unless another session has it. */
export const usualSession = 'http://127.0.0.1:4297';

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

/** Hands events to a session, which answers once it has begun to forward all. @throws CliError */
export async function handOver(session: string, handed: Handed): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(session, { method: 'POST', headers, body: JSON.stringify(handed) }).catch(() => {
    throw unreachable(`no listen at ${session}: start one with npm run notifier -- listen --forward-to URL`);
  });
  if (answer.status === 202) return;
  throw refused(`${session} answered ${answer.status}, expected 202: is it a listen of this version?`);
}
