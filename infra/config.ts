import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { proxyProblem } from '../functions/http/proxy.ts';
import { endpointName } from '../functions/webhooks/endpoint-settings.ts';
import { formats } from '../functions/webhooks/format.ts';
import { readTextFile } from './text-file.ts';
import { usualStack } from './usual-names.ts';

const eventType = z
  .string()
  .regex(
    /^(transfer|watch|endpoint|notifier)\.(\*|[a-z_]+)$/,
    'expected an event type such as transfer.failed, or transfer.*',
  );

const email = z.email('expected an e-mail address').max(254, 'expected at most 254 characters');

/** `http:` is for a server on this machine only: everything else would send the credentials in clear. */
const serverUrl = z
  .url({
    protocol: /^https?$/,
    error: 'expected the address of the server, for example https://cryptshare.example.com',
    abort: true,
  })
  .refine(
    (url) => URL.parse(url)?.protocol === 'https:' || isLoopback(URL.parse(url)?.hostname ?? ''),
    'expected https: (http: only for a server on this machine)',
  )
  .refine((url) => /^\/?$/.test(URL.parse(url)?.pathname ?? ''), 'expected no path: the notifier adds /api itself')
  .refine((url) => isBare(url), 'expected neither user name, password, query nor fragment');

const durationText = z
  .string()
  .regex(/^[1-9]\d{0,4}[smh]$/, {
    error: 'expected a duration of at least one second, for example 30s, 1m or 2h',
    abort: true,
  })
  .refine((text) => millisecondsOf(text) <= 86_400_000, 'expected at most 24h');

const environmentVariable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'expected the name of an environment variable, for example CRM_WEBHOOK_SECRET');

const webhook = z
  .strictObject({
    name: endpointName,
    url: z.string().optional().describe('Address to post to'),
    urlFrom: environmentVariable
      .optional()
      .describe('Environment variable that holds the address, for a chat, whose address is a secret'),
    secretFrom: environmentVariable
      .optional()
      .describe(
        'Environment variable, on AWS field of the secret, that holds the signing secret (whsec_…); without it, the local run makes one and shows it once',
      ),
    types: z.array(eventType).min(1).default(['transfer.*']),
    mailboxes: z.array(email).min(1).optional().describe('Only events of these mailboxes'),
    directions: z
      .array(z.enum(['sent', 'received']))
      .min(1)
      .optional(),
    format: z.enum(formats).default('event'),
    headers: z.record(z.string(), z.string()).optional().describe('Further headers to send'),
    headersFrom: z
      .record(z.string(), environmentVariable)
      .optional()
      .describe('Headers to send whose values are secret, with the environment variables that hold them'),
    retryDelays: z
      .array(durationText)
      .min(1)
      .max(20)
      .optional()
      .describe('Time before each retry, instead of three days'),
    maxInFlight: z.int().min(1).max(100).default(10).describe('Requests to this endpoint under way at the same time'),
  })
  .refine(({ url, urlFrom }) => (url === undefined) !== (urlFrom === undefined), 'expected either url or urlFrom');

/** What CloudFormation takes, but shorter: the region is added to it where a name has to be the account's only one. */
const stackName = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9-]{0,63}$/,
    'expected the name of a stack: 1 to 64 letters, digits and hyphens, the first of them a letter',
  );

/** In a file, it holds no secret. */
const webhookProxy = z.string().superRefine((proxy, { addIssue }) => {
  const problem = proxyProblem(proxy);
  if (problem) addIssue(problem);
  else if (proxy.includes('@')) {
    addIssue(
      'expected neither user name nor password: leave it out, and put the whole address into the variable WEBHOOK_PROXY, on AWS a field of the secret',
    );
  }
});

const configSchema = z.strictObject({
  $schema: z.string().optional(),
  stack: stackName
    .default(usualStack)
    .describe('On AWS, name of the stack and beginning of all names; another name is another notifier'),
  server: z.strictObject({
    url: serverUrl.describe('Address of the Cryptshare Server, for example https://cryptshare.example.com'),
    caFile: z
      .string()
      .min(1)
      .optional()
      .describe('PEM file, relative to this one, with the certificate of a private authority that the server uses'),
    maxConcurrentPages: z
      .int()
      .min(1)
      .max(100)
      .default(4)
      .describe('Requests to the server under way at the same time, over all watches'),
  }),
  schedule: z
    .strictObject({
      every: durationText.default('1m').describe('How often each watch is polled; on AWS at least 1m'),
      fullListingEvery: z
        .int()
        .min(1)
        .max(100)
        .default(1)
        .describe(
          'Of so many polls one lists all transfers of a watch, the others only the active ones, which spares the server',
        ),
      shards: z.int().min(1).max(100).default(1).describe('Parts into which the watches are divided on AWS'),
    })
    .prefault({}),
  watches: z
    .array(
      z.strictObject({
        mailbox: email.describe('Verified e-mail address on the server'),
        direction: z.enum(['sent', 'received']).default('sent'),
        every: durationText.optional().describe('How often this watch is polled, if not as all are'),
      }),
    )
    .min(1, 'expected at least one watch'),
  notify: z
    .strictObject({
      email: z.array(z.strictObject({ address: email, types: z.array(eventType).min(1).optional() })).default([]),
      slack: z
        .strictObject({
          workspaceId: z
            .string()
            .regex(
              /^T[A-Z0-9]{7,20}$/,
              'expected a Slack workspace id such as T0123ABCD: copy the id that Slack shows',
            ),
          channelId: z
            .string()
            .regex(/^[CG][A-Z0-9]{7,20}$/, 'expected a Slack channel id such as C0123ABCD: copy the id, not the name'),
        })
        .optional(),
    })
    .prefault({}),
  webhooks: z.array(webhook).default([]),
  proxy: webhookProxy
    .optional()
    .describe(
      'Proxy that webhooks are sent through, for example http://proxy.example.com:3128; it decides what they may reach',
    ),
  alarms: z.strictObject({ email }).optional(),
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

/** Thrown for a configuration that cannot be used; lists every mistake with its path and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    super(`${file} cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads and checks a configuration file.
 *
 * @throws ConfigError
 */
export function loadConfig(file: string): Config {
  const json = parseJson(file);
  const { data, error } = configSchema.safeParse(json);
  const problems = [...(error?.issues.map(problemOf) ?? []), ...repeatedWatches(json), ...repeatedWebhooks(json)];
  if (!data || problems.length > 0) throw new ConfigError(file, problems);
  if (data.server.caFile === undefined) return data;
  const caFile = resolve(dirname(file), data.server.caFile);
  try {
    accessSync(caFile, constants.R_OK);
  } catch (cause) {
    throw new ConfigError(file, [`server.caFile: expected a readable file (${(cause as NodeJS.ErrnoException).code})`]);
  }
  return { ...data, server: { ...data.server, caFile } };
}

/** Milliseconds of a duration such as `30s`, `1m` or `2h`. */
export function millisecondsOf(duration: string): number {
  const unit = { s: 1000, m: 60_000, h: 3_600_000 }[duration.at(-1) as 's' | 'm' | 'h'];
  return Number(duration.slice(0, -1)) * unit;
}

/** Milliseconds between two polls, of each watch. */
export const intervalsOf = ({ schedule, watches }: Config): number[] =>
  watches.map(({ every }) => millisecondsOf(every ?? schedule.every));

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

/** Watches that stand in the file twice, whatever else is wrong with it. */
function repeatedWatches(json: unknown): string[] {
  const { watches } = (json ?? {}) as { watches?: unknown };
  if (!Array.isArray(watches)) return [];
  const keys = watches.map((watch) => {
    const { mailbox, direction = 'sent' } = watch ?? {};
    return typeof mailbox === 'string' && typeof direction === 'string'
      ? `${direction}#${mailbox}`.toLowerCase()
      : undefined;
  });
  return keys.flatMap((key, at) => {
    const first = keys.indexOf(key);
    return key === undefined || first === at
      ? []
      : [`watches[${at}]: expected each watch once, but watches[${first}] is the same`];
  });
}

/** Webhooks of the same name. */
function repeatedWebhooks(json: unknown): string[] {
  const { webhooks } = (json ?? {}) as { webhooks?: unknown };
  if (!Array.isArray(webhooks)) return [];
  const names = webhooks.map((one) => (one as { name?: unknown } | null)?.name);
  return names.flatMap((name, at) => {
    const first = names.indexOf(name);
    return typeof name !== 'string' || first === at
      ? []
      : [`webhooks[${at}]: expected each name once, but webhooks[${first}] has the same`];
  });
}

/** `watches[0].mailbox: expected an e-mail address`. */
function problemOf({ path, message }: z.core.$ZodIssue): string {
  const place = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return `${place.replace(/^\./, '') || 'the file'}: ${message.replace(/^Invalid input: /, '')}`;
}

function isBare(url: string): boolean {
  const { username = '', password = '', search = '', hash = '' } = URL.parse(url) ?? {};
  return username + password + search + hash === '';
}

const isLoopback = (hostname: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
