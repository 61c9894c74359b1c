import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { describe } from 'zod/mini';
import { proxyProblem } from '#functions/http/proxy.ts';
import { expectedOverdue, followable, isOverdueSensible, overdueBeforeLimitsMs } from '#functions/transfers/follow.ts';
import { address } from '#functions/transfers/mailbox-address.ts';
import { formats } from '#functions/webhooks/endpoints/format.ts';
import { endpointName } from '#functions/webhooks/endpoints/settings.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';
import { isWithin, readLeniently } from './lenient-reading.ts';
import { heartbeatSettings, listeningProblems, metricsSettings, operatorSettings } from './listening.ts';
import { isLoopback, isPlain } from './plain-address.ts';
import { eventType, notify, problemsOfReaders, withoutMoved } from './readers.ts';
import { repeatedEntries } from './repeated-entries.ts';
import { retentionProblems } from './retention-check.ts';
import { readTextFile } from './text-file.ts';
import { usualStack } from './usual-names.ts';

/** Allows `http:` only on this machine: over a network, credentials would travel in clear text. */
const serverUrl = z
  .url({
    protocol: /^https?$/,
    error: 'expected the address of the server, for example https://cryptshare.example.com',
    abort: true,
  })
  .refine(
    (url) => new URL(url).protocol === 'https:' || isLoopback(new URL(url).hostname),
    'expected https: (http: only for a server on this machine)',
  )
  .refine((url) => /^\/?$/.test(new URL(url).pathname), 'expected no path: the notifier adds /api itself')
  .refine((url) => isPlain(new URL(url)), 'expected neither user name, password, query nor fragment');

const durationText = z
  .string()
  .regex(/^[1-9]\d{0,4}[smh]$/, {
    error: 'expected a duration of at least one second, for example 30s, 1m or 2h',
    abort: true,
  })
  .refine((text) => millisecondsOf(text) <= 86_400_000, 'expected at most 24h');

/** Time before the end of a transfer, from an hour to 30 days. */
const overdueText = z
  .string()
  .regex(/^[1-9]\d{0,4}[mhd]$/, { error: 'expected a duration such as 12h or 2d', abort: true })
  .refine((text) => {
    const [least, most] = overdueBeforeLimitsMs;
    return millisecondsOf(text) >= least && millisecondsOf(text) <= most;
  }, 'expected from 1h to 30d');

const direction = z.enum(['sent', 'received']);

const environmentVariable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'expected the name of an environment variable, for example CRM_WEBHOOK_SECRET');

const webhook = z
  .strictObject({
    name: endpointName,
    url: z.string().optional().describe('Address to post to'),
    urlFrom: z
      .optional(environmentVariable)
      .describe('Environment variable that holds the address, for a chat, whose address is a secret'),
    secretFrom: z
      .optional(environmentVariable)
      .describe(
        'Environment variable, on AWS field of the secret, that holds the signing secret (whsec_…); without it, the local run makes one and shows it once',
      ),
    types: z.array(eventType).min(1).default(['transfer.*']),
    mailboxes: z.array(address).min(1).optional().describe('Only events of these mailboxes'),
    directions: z.optional(z.array(direction).min(1)),
    format: z.enum(formats).exclude(['email']).default('event'),
    template: z
      .optional(z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())], 'expected a JSON object or array'))
      .describe(
        'Body of format template: texts hold {{placeholders}} of the event, and {{NAME}} an environment variable',
      ),
    headers: z.record(z.string(), z.string()).optional().describe('Further headers to send'),
    headersFrom: z
      .optional(z.record(z.string(), environmentVariable))
      .describe('Headers with secret values, and the environment variables that hold the values'),
    retryDelays: z
      .optional(z.array(durationText).min(1).max(20))
      .describe('Time before each retry, instead of three days'),
    maxInFlight: z.int().min(1).max(100).default(10).describe('Requests to this endpoint in flight at most'),
  })
  .refine(({ url, urlFrom }) => (url === undefined) !== (urlFrom === undefined), 'expected either url or urlFrom');

const watch = z
  .strictObject({
    mailbox: address.check(describe('Verified e-mail address on the server')),
    direction: direction.default('sent'),
    every: durationText.optional().describe('Poll interval of this watch, in place of schedule.every'),
    follow: z
      .array(z.enum(followable))
      .min(1, `expected at least one of ${followable.join(', ')}`)
      .optional()
      .meta({ description: 'What else to tell of active transfers, besides their states', uniqueItems: true }),
    overdueBefore: z
      .optional(overdueText)
      .describe('Time before its end from which a transfer that a recipient has not downloaded is overdue; usually 2d'),
  })
  .refine(
    ({ follow, overdueBefore }) =>
      isOverdueSensible({
        follow,
        overdueBeforeMs: overdueBefore === undefined ? undefined : millisecondsOf(overdueBefore),
      }),
    { path: ['overdueBefore'], error: expectedOverdue },
  );

const days = z.int().min(1).max(365).default(30);

/** Shorter than CloudFormation allows: the stack appends the region where a name must be unique in the account. */
const stackName = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9-]{0,63}$/,
    'expected the name of a stack: 1 to 64 letters, digits and hyphens, the first of them a letter',
  );

/** Proxy without credentials, since the file holds no secrets. */
const webhookProxy = z.string().superRefine((proxy, { addIssue }) => {
  const problem = proxyProblem(proxy);
  if (problem) addIssue(problem);
  else if (proxy.includes('@')) {
    addIssue(
      'expected neither user name nor password: leave it out, and put the whole address into the variable WEBHOOK_PROXY, on AWS a field of the secret',
    );
  }
});

/** Upper limit of `server.maxConcurrentPages`: at 100 ms a page, 10,000 pages a second. */
export const mostPages = 1000;

const configSchema = z.strictObject({
  $schema: z.string().optional(),
  stack: stackName
    .default(usualStack)
    .describe('On AWS, name of the stack and beginning of all names; another name is another notifier'),
  server: z.strictObject({
    url: serverUrl.describe('Address of the Cryptshare Server, for example https://cryptshare.example.com'),
    caFile: z
      .optional(z.string().min(1))
      .describe('PEM file, relative to this one, with the certificate of a private authority that the server uses'),
    maxConcurrentPages: z
      .optional(z.int().min(1).max(mostPages))
      .describe(
        'Concurrent requests that the server bears, over all watches and shards; without it, 16 for each shard',
      ),
  }),
  schedule: z
    .strictObject({
      every: durationText.default('1m').describe('Poll interval of each watch; on AWS at least 1m'),
      fullListingEvery: z
        .int()
        .min(1)
        .max(100)
        .default(1)
        .describe(
          'With 10, every tenth poll lists all transfers of a watch, the others only the active ones, which spares the server',
        ),
      quietEvery: z
        .optional(durationText)
        .describe(
          'Poll interval of a watch that has not changed for an hour; its next change is announced up to that much later',
        ),
      shards: z.int().min(1).max(100).default(1).describe('Parts into which the watches are divided on AWS'),
    })
    .prefault({}),
  watches: z
    .array(watch)
    .default([])
    .describe('Mailboxes to watch; the console and npm run notifier -- watch add add more while it runs'),
  notify,
  webhooks: z.array(webhook).default([]),
  retention: z
    .strictObject({
      events: days.describe('Days for which events, deliveries and attempts are kept'),
      transfers: days.describe('Days for which transfers that are no longer listed, and removed watches, are kept'),
    })
    .prefault({}),
  proxy: z
    .optional(webhookProxy)
    .describe(
      'Proxy that webhooks are sent through, for example http://proxy.example.com:3128; it decides which addresses they reach',
    ),
  operator: z.optional(operatorSettings),
  metrics: z.optional(metricsSettings),
  heartbeat: z.optional(heartbeatSettings),
  alarmEmail: z.optional(address),
  vpc: z
    .strictObject({
      id: z.string().regex(/^vpc-[0-9a-f]{8,17}$/, 'expected the id of a VPC such as vpc-0123456789abcdef0'),
      subnets: z
        .array(
          z.string().regex(/^subnet-[0-9a-f]{8,17}$/, 'expected the id of a subnet such as subnet-0123456789abcdef0'),
        )
        .min(1, 'expected at least one subnet'),
    })
    .optional()
    .describe('On AWS, the network from which polls reach a server that is not on the internet'),
});

/** The configuration with all defaults filled in; `caFile` is an absolute path. */
export type Config = z.output<typeof configSchema>;

/** The JSON Schema of the configuration file, for editors. */
export const configJsonSchema = (): object => z.toJSONSchema(configSchema, { io: 'input' });

/** Thrown for an unusable configuration; lists every mistake with its path and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[], message?: string) {
    super(message ?? [`${file} cannot be used:`, ...problems].join('\n  '));
    this.problems = problems;
  }

  /** Joins errors, so that the operator sees every mistake at once. */
  static joined(errors: readonly ConfigError[]): ConfigError {
    const problems = errors.flatMap((error) => error.problems);
    return new ConfigError('', problems, errors.map(({ message }) => message).join('\n'));
  }
}

/** Reads and checks a file. @param further finds problems in the valid parts @throws ConfigError for every mistake */
export function loadConfig(file: string, further: (config: Config) => readonly string[] = () => []): Config {
  const { json, problems: moved } = withoutMoved(parseJson(file));
  const { mistakes, data } = readLeniently(configSchema, json);
  const caFile = data?.server.caFile && resolve(dirname(file), data.server.caFile);
  const config = data && { ...data, server: { ...data.server, caFile } };
  const problems = [
    ...mistakes.map(({ path, message }) => `${path}: ${message}`),
    ...moved,
    ...repeatedEntries(json),
    ...(config
      ? [
          ...caFileProblems(config),
          ...retentionProblems(config),
          ...listeningProblems(config),
          ...problemsOfReaders(config, json),
          ...further(config),
        ]
      : []
    ).filter((problem) => !isWithin(problem.split(': ')[0]!, mistakes)),
  ];
  if (!config || problems.length > 0) throw new ConfigError(file, problems);
  return config;
}

function caFileProblems({ server: { caFile } }: Config): string[] {
  try {
    if (caFile !== undefined) readFileSync(caFile);
    return [];
  } catch (cause) {
    return [`server.caFile: expected a readable file (${(cause as NodeJS.ErrnoException).code})`];
  }
}

/** Default of concurrent requests in each shard, if the server bears them: waiting for more costs a function no more. */
const usualRequests = 16;

/** Upper limit of concurrent requests in one process. */
const mostRequests = 100;

/** Concurrent requests to the server in each shard: its share of `maxConcurrentPages`, 0 if below one request. */
export const requestsAtOnce = ({ maxConcurrentPages }: Config['server'], shards: number): number =>
  maxConcurrentPages === undefined ? usualRequests : Math.min(mostRequests, Math.floor(maxConcurrentPages / shards));

/** Poll interval of each watch in milliseconds, while nothing changes. */
export const intervalsOf = ({ schedule, watches }: Config): number[] =>
  watches.map(({ every }) => intervalOf(schedule, every));

/** Poll interval in milliseconds of a watch while nothing changes, by default of one without an interval of its own. */
export const intervalOf = ({ every: general, quietEvery }: Config['schedule'], every = general): number =>
  Math.max(millisecondsOf(every), quietEvery ? millisecondsOf(quietEvery) : 0);

function parseJson(file: string): unknown {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    throw new ConfigError(file, [`expected a readable file (${(error as NodeJS.ErrnoException).code})`]);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(file, [`expected JSON (${(error as Error).message})`]);
  }
}
