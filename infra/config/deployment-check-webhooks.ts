import type {
  DeclareVariables,
  DeliverVariables,
  FanOutVariables,
  OperatorVariables,
  PollVariables,
  SweepVariables,
} from '#functions/lambda/environment.ts';
import { filledIn } from '#functions/webhooks/endpoints/declared.ts';
import { endpointSettings } from '#functions/webhooks/endpoints/settings.ts';
import { headerProblem } from '#functions/webhooks/http/ssrf-guard.ts';
import type { Config } from './config.ts';
import { endpointDeclarations } from './declarations.ts';
import { type WebhookVariable, webhookVariables } from './webhook-variables.ts';

type Webhook = Config['webhooks'][number];

/** Problems that prevent the deployment of webhooks, each with its path and remedy. */
export function webhookProblems(config: Config): string[] {
  const variables = webhookVariables(config);
  return [
    ...config.webhooks.flatMap((webhook, index) => [
      ...settingsProblems(config, webhook, `webhooks[${index}]`),
      ...credentialProblems(webhook, `webhooks[${index}]`),
      ...signatureProblems(webhook, `webhooks[${index}]`),
      ...headerProblems(webhook, `webhooks[${index}]`),
    ]),
    ...variables.flatMap((use) => variableProblems(use, variables)),
    ...sizeProblems(variables),
  ];
}

/** Environment variables of the functions. A field of the secret with such a name would override the variable. */
type OwnVariable =
  | keyof (PollVariables & FanOutVariables & DeliverVariables & SweepVariables & DeclareVariables & OperatorVariables)
  | 'SECRET_ARN';

const ownVariables: Readonly<Record<OwnVariable, true>> = {
  CRYPTSHARE_URL: true,
  CRYPTSHARE_CLIENT_ID: true,
  CRYPTSHARE_CA_FILE: true,
  MAX_CONCURRENT_PAGES: true,
  SHARDS: true,
  POLL_INTERVAL_MS: true,
  FULL_LISTING_EVERY: true,
  QUIET_INTERVAL_MS: true,
  TRANSFERS_TABLE: true,
  TRANSFER_EVENTS_TOPIC_ARN: true,
  TRANSFER_NOTICES_TOPIC_ARN: true,
  WEBHOOKS_TABLE: true,
  DATA_KEY: true,
  WAKE_UP_QUEUE_URL: true,
  ANNOUNCEMENT_QUEUE_URL: true,
  ALLOW_PRIVATE_WEBHOOKS: true,
  WEBHOOK_PROXY: true,
  DECLARED_FILE: true,
  OPENAPI_FILE: true,
  INSPECTED_QUEUES: true,
  NOTIFIER_VERSION: true,
  POLL_INVOCATION_URL: true,
  SNS_URL: true,
  SECRET_ARN: true,
};

/** Variables of shells and tools, which `fill-secret` would mistake for credentials. */
const foreignVariable = /^(?:AWS|CDK|LAMBDA|NODE|NPM)_|^(?:HOME|HOSTNAME|LANG|LOGNAME|PATH|PWD|SHELL|TERM|TZ|USER)$/;

/** An endpoint is one DynamoDB item of at most 400 KB; an address has up to 254 characters. */
const mostMailboxes = 1000;

/** Replacements for values that the secret will hold. */
const placeholder = { url: 'https://placeholder.example.com/', header: 'placeholder' };

function settingsProblems(config: Config, webhook: Webhook, path: string): string[] {
  const [declaration] = endpointDeclarations({ ...config, webhooks: [webhook] });
  const values = Object.values(webhook.headersFrom ?? {}).map((variable) => [variable, placeholder.header]);
  const { settings } = filledIn(declaration!, Object.fromEntries(values));
  // `fill-secret` checks an address that the file must not hold.
  const isElsewhere = webhook.url === undefined || isChat(webhook);
  const checked = isElsewhere ? { ...settings, url: placeholder.url } : settings;
  const { error } = endpointSettings(false).safeParse(checked);
  const problems = (error?.issues ?? []).map(({ path: [key = '', ...rest], message }) => {
    const isSecretHeader = key === 'headers' && Object.hasOwn(webhook.headersFrom ?? {}, String(rest[0]));
    const place = [isSecretHeader ? 'headersFrom' : key, ...rest];
    return `${path}${place.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')}: ${message}`;
  });
  if ((webhook.mailboxes?.length ?? 0) > mostMailboxes) {
    problems.push(
      `${path}.mailboxes: expected at most ${mostMailboxes}, as many as surely fit into one row, got ${webhook.mailboxes?.length}: divide them among several webhooks`,
    );
  }
  return problems;
}

const isChat = ({ format }: Webhook): boolean => format !== 'event';

/** Names of headers and URL parameters that authorise their sender. */
const authorising = /auth|cookie|key|password|secret|signature|token|^sig$/i;

const noPlace = 'since a file is no place for credentials';
const fillIt = 'and fill it with npm run fill-secret';

function credentialProblems(webhook: Webhook, path: string): string[] {
  const { name, url, format, headers = {} } = webhook;
  const problems: string[] = [];
  const parameter = [...(URL.parse(url ?? '')?.searchParams.keys() ?? [])].find((key) => authorising.test(key));
  if (url !== undefined && (isChat(webhook) || parameter !== undefined)) {
    const why = isChat(webhook)
      ? 'the address of a chat lets anyone write there'
      : `its parameter ${parameter} looks like a credential`;
    const example = variableFor(name, isChat(webhook) ? `${format}_URL` : 'URL');
    problems.push(
      `${path}.url: expected urlFrom instead, ${noPlace} and ${why}: name a field of the secret, for example ${example}, ${fillIt}`,
    );
  }
  for (const [header, value] of Object.entries(headers)) {
    if (!authorising.test(header) || headerProblem(header, value) !== undefined) continue;
    problems.push(
      `${path}.headers.${header}: expected under headersFrom, ${noPlace}: name a field of the secret, for example ${variableFor(name, header)}, ${fillIt}`,
    );
  }
  return problems;
}

function signatureProblems(webhook: Webhook, path: string): string[] {
  if (isChat(webhook) || webhook.secretFrom !== undefined) return [];
  const example = variableFor(webhook.name, 'WEBHOOK_SECRET');
  return [
    `${path}.secretFrom: expected on AWS, where a secret that is made is never shown: name a field of the secret, for example ${example}, ${fillIt}`,
  ];
}

/** Finds headers of the same name: a request would carry only one of them. */
function headerProblems({ headers = {}, headersFrom = {} }: Webhook, path: string): string[] {
  const places = [
    ...Object.keys(headers).map((header) => ({ header, place: `${path}.headers.${header}` })),
    ...Object.keys(headersFrom).map((header) => ({ header, place: `${path}.headersFrom.${header}` })),
  ];
  return places.flatMap(({ header, place }, index) => {
    const first = places.findIndex((other) => other.header.toLowerCase() === header.toLowerCase());
    return first === index
      ? []
      : [`${place}: expected each header once, but ${places[first]?.place} is the same: leave one out`];
  });
}

function variableProblems({ variable, path, holds }: WebhookVariable, all: readonly WebhookVariable[]): string[] {
  if (Object.hasOwn(ownVariables, variable) || foreignVariable.test(variable)) {
    return [
      `${path}: expected a name that is free, but ${variable} means something else already: name it after the webhook`,
    ];
  }
  const other = all.find((use) => use.variable === variable);
  if (!other || other.holds === holds) return [];
  return [
    `${path}: expected a field of its own, but ${other.path} takes ${variable} for its ${other.holds}: choose another name`,
  ];
}

/** Limit of Secrets Manager for one secret, in bytes. */
export const largestSecret = 65_536;

/** Bytes of the shortest possible values, quotes and commas included. */
const shortest = { address: 18, 'signing secret': 44, header: 7 };

/** Least bytes of the server's credentials and the data key. */
const ownFields = 200;

function sizeProblems(variables: readonly WebhookVariable[]): string[] {
  const fields = new Map(variables.map(({ variable, holds }) => [variable, variable.length + shortest[holds]]));
  const size = [...fields.values()].reduce((sum, bytes) => sum + bytes, ownFields);
  if (size <= largestSecret) return [];
  return [
    `webhooks: expected variables that fit into one secret of ${largestSecret} bytes, got ${fields.size}, which take at least ${size}: let webhooks share some, or give them shorter names`,
  ];
}

/** Suggests a variable for a webhook, for example `CRM_WEBHOOK_SECRET`. */
function variableFor(webhook: string, what: string): string {
  const upper = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
  const end = upper(what);
  const start = upper(webhook)
    .replace(/^[^A-Z]+/, '')
    .replace(/_$/, '')
    .slice(0, Math.max(1, 63 - end.length));
  return `${start || 'ENDPOINT'}_${end}`.slice(0, 64);
}
