import { endsSoon, hasEnded } from '#functions/cryptshare/verification.ts';
import type { WatchResource } from '#infra/cli/api/resources.ts';
import type { PageRequest } from '#infra/console/html/page.ts';

export const verificationAddress = (mailbox: string, step = ''): string =>
  `/verification${step}?${new URLSearchParams({ mailbox })}`;

/** `bad` after its end, `warn` in the week before it or without one; a client id renews its own. */
export function verificationTone({ now }: PageRequest, known: WatchResource['verification']): 'good' | 'warn' | 'bad' {
  if (!known) return 'warn';
  if (known.method === 'client_id') return 'good';
  const verification = { mailbox: '', rev: 0, ...known };
  const at = now().getTime();
  if (hasEnded(verification, at)) return 'bad';
  return endsSoon(verification, at) ? 'warn' : 'good';
}
