import type { Declarations } from '#functions/declare/declare.ts';
import type { WantedWatch } from '#functions/watches/watches.ts';
import type { EndpointDeclaration } from '#functions/webhooks/endpoints/declared.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import type { Config } from './config.ts';
import { settingsOfReader, urlOfReader } from './readers.ts';

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

/** Places of the {@link endpointDeclarations} in the file. */
export const declarationPlaces = ({ webhooks, notify: { readers } }: Config): string[] => [
  ...webhooks.map((_, index) => `webhooks[${index}]`),
  ...readers.flatMap(({ email }, index) => (email === undefined ? [] : [`notify.readers[${index}]`])),
];

/** Declared endpoints, with retry delays in milliseconds: first the webhooks, then the readers by e-mail. */
export const endpointDeclarations = ({ webhooks, notify: { readers } }: Config): EndpointDeclaration[] => {
  const ofChats = new Map(readers.map((reader) => [reader.endpoint, reader]));
  return [
    ...webhooks.map(({ name, urlFrom, secretFrom, headersFrom, retryDelays, ...settings }) => ({
      name,
      urlFrom,
      secretFrom,
      headersFrom,
      settings: {
        ...settings,
        ...(ofChats.has(name) && settingsOfReader(ofChats.get(name)!)),
        retryDelaysMs: retryDelays?.map(millisecondsOf),
      },
    })),
    ...readers.flatMap((reader) =>
      reader.email === undefined
        ? []
        : [
            {
              name: reader.name,
              settings: { ...settingsOfReader(reader), format: 'email' as const, url: urlOfReader(reader.email) },
            },
          ],
    ),
  ];
};
