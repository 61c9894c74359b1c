import type { Deadline } from '#functions/clock/instants.ts';
import type { ServerOptions } from '#functions/cryptshare/api-calls.ts';

/** Time for which a write sent just before a poll's deadline may still take effect. */
export const writeGraceMs = 15_000;

/** Unix time in milliseconds after which a poll with this deadline writes nothing. */
export const lastWriteAt = ({ now, steady }: Pick<ServerOptions, 'now' | 'steady'>, deadline: Deadline): number =>
  now().getTime() + (deadline - steady()) + writeGraceMs;
