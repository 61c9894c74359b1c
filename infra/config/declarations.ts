import type { Declarations } from '#functions/declare/declare.ts';
import type { WantedWatch } from '#functions/watches/watches.ts';
import type { EndpointDeclaration } from '#functions/webhooks/endpoints/declared.ts';
import { type Config, millisecondsOf } from './config.ts';

export const declarationsOf = (config: Config): Declarations => ({
  watches: watchDeclarations(config),
  endpoints: endpointDeclarations(config),
});

/** Declared watches, with intervals in milliseconds. */
export const watchDeclarations = ({ watches }: Config): WantedWatch[] =>
  watches.map(({ every, ...watch }) => ({
    ...watch,
    ...(every !== undefined && { pollIntervalMs: millisecondsOf(every) }),
  }));

/** Declared endpoints, with retry delays in milliseconds. */
export const endpointDeclarations = ({ webhooks }: Config): EndpointDeclaration[] =>
  webhooks.map(({ name, urlFrom, secretFrom, headersFrom, retryDelays, ...settings }) => ({
    name,
    ...(urlFrom !== undefined && { urlFrom }),
    ...(secretFrom !== undefined && { secretFrom }),
    ...(headersFrom !== undefined && { headersFrom }),
    settings: {
      ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
      ...(retryDelays && { retryDelaysMs: retryDelays.map(millisecondsOf) }),
    },
  }));
