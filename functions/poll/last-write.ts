import type { Deadline } from '#functions/clock/instants.ts';
import type { ServerOptions } from '#functions/cryptshare/api-calls.ts';

/** Milliseconds for which a request begun just before the end of a poll may still take effect. */
export const writeGraceMs = 15_000;

/** Unix time in milliseconds after which a poll that ends at an instant of the steady clock writes nothing. */
export const lastWriteAt = ({ now, steady }: Pick<ServerOptions, 'now' | 'steady'>, deadline: Deadline): number =>
  now().getTime() + (deadline - steady()) + writeGraceMs;
