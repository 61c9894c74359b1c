import type { ServerOptions } from '#functions/cryptshare/api-calls.ts';

/** Milliseconds for which a request begun just before the end of a poll may still take effect. */
export const afterglow = 15_000;

/** Unix time in milliseconds after which a poll that ends at an instant of the steady clock writes nothing. */
export const writesUntil = ({ now, steady }: Pick<ServerOptions, 'now' | 'steady'>, stopAt: number): number =>
  now().getTime() + (stopAt - steady()) + afterglow;
