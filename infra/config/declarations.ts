import type { Declarations } from '#functions/declare/declare.ts';
import type { WantedWatch } from '#functions/watches/watches.ts';
import type { EndpointDeclaration } from '#functions/webhooks/endpoints/declared.ts';
import { type Config, millisecondsOf } from './config.ts';

/** What a configuration declares to be watched and told. */
export const declarationsOf = (config: Config): Declarations => ({
  watches: watchDeclarations(config),
  endpoints: endpointDeclarations(config),
});

/** The watches among it. */
export const watchDeclarations = ({ watches }: Config): WantedWatch[] =>
  watches.map(({ every, ...watch }) => ({ ...watch, ...(every !== undefined && { every: millisecondsOf(every) }) }));

/** The endpoints among it. */
export const endpointDeclarations = ({ webhooks }: Config): EndpointDeclaration[] =>
  webhooks.map(({ name, urlFrom, secretFrom, headersFrom, retryDelays, ...settings }) => ({
    name,
    ...(urlFrom !== undefined && { urlFrom }),
    ...(secretFrom !== undefined && { secretFrom }),
    ...(headersFrom !== undefined && { headersFrom }),
    settings: {
      ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
      ...(retryDelays && { retryDelays: retryDelays.map(millisecondsOf) }),
    },
  }));
