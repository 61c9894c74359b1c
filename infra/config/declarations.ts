import type { Declarations } from '#functions/declare/declare.ts';
import type { WantedWatch } from '#functions/watches/watches.ts';
import type { EndpointDeclaration } from '#functions/webhooks/endpoints/declared.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import type { Config } from './config.ts';

export const declarationsOf = (config: Config): Declarations => ({
  watches: watchDeclarations(config),
  endpoints: endpointDeclarations(config),
});

/** Declared watches, with durations in milliseconds. */
export const watchDeclarations = ({ watches }: Config): WantedWatch[] =>
  watches.map(({ every, overdueBefore, ...watch }) => ({
    ...watch,
    pollIntervalMs: every === undefined ? undefined : millisecondsOf(every),
    overdueBeforeMs: overdueBefore === undefined ? undefined : millisecondsOf(overdueBefore),
  }));

/** Declared endpoints, with retry delays in milliseconds. */
export const endpointDeclarations = ({ webhooks }: Config): EndpointDeclaration[] =>
  webhooks.map(({ name, urlFrom, secretFrom, headersFrom, retryDelays, ...settings }) => ({
    name,
    urlFrom,
    secretFrom,
    headersFrom,
    settings: { ...settings, retryDelaysMs: retryDelays?.map(millisecondsOf) },
  }));
