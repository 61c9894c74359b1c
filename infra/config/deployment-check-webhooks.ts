import {
  declareEnvironment,
  fanOutEnvironment,
  operatorEnvironment,
  pollEnvironment,
  sweepEnvironment,
} from '#functions/lambda/environment.ts';
import { type EndpointDeclaration, filledIn } from '#functions/webhooks/endpoints/declared.ts';
import { isChat as isChatFormat } from '#functions/webhooks/endpoints/format.ts';
import { textsIn, variablesIn } from '#functions/webhooks/endpoints/template.ts';
import { headerProblem } from '#functions/webhooks/http/ssrf-guard.ts';
import type { Config } from './config.ts';
import { endpointDeclarations } from './declarations.ts';
import { repetitions } from './repeated-entries.ts';
import { settingProblems } from './webhook-settings.ts';
import { type WebhookVariable, webhookVariables } from './webhook-variables.ts';

type Webhook = Config['webhooks'][number];

/** Problems that prevent the deployment of webhooks, each with its path and remedy. */
export function webhookProblems(config: Config): string[] {
  const variables = webhookVariables(config);
  const declarations = endpointDeclarations(config);
  return [
    ...config.webhooks.flatMap((webhook, index) => [
      ...settingsProblems(webhook, declarations[index]!, `webhooks[${index}]`),
      ...credentialProblems(webhook, `webhooks[${index}]`),
      signatureProblem(webhook, `webhooks[${index}]`),
      ...headerProblems(webhook, `webhooks[${index}]`),
    ]),
    ...variables.map((use) => variableProblem(use, variables)),
    sizeProblem(variables),
  ].filter((problem) => typeof problem === 'string');
}

/** Variables of shells and tools, which `secret fill` would mistake for credentials. */
const foreignVariable = /^(?:AWS|CDK|LAMBDA|NODE|NPM)_|^(?:HOME|HOSTNAME|LANG|LOGNAME|PATH|PWD|SHELL|TERM|TZ|USER)$/;

/** An endpoint is one DynamoDB item of at most 400 KB; an address has up to 254 characters. */
export const mostMailboxes = 1000;

/** Replacements for values that the secret will hold. */
const placeholder = { url: 'https://placeholder.example.com/', value: 'placeholder' };

function settingsProblems(webhook: Webhook, declaration: EndpointDeclaration, path: string) {
  const { headersFrom = {}, mailboxes = [], template } = webhook;
  const variables = [...Object.values(headersFrom), ...variablesIn(template)];
  const values = variables.map((variable) => [variable, placeholder.value]);
  const { name, settings } = filledIn(declaration, Object.fromEntries(values));
  // `secret fill` checks an address that the file must not hold.
  const url = webhook.url === undefined || isChat(webhook) ? placeholder.url : settings.url;
  const checked = { name, settings: { ...settings, url }, secret: undefined };
  const problems = settingProblems(declaration, checked, false, path);
  return [
    ...problems.map((problem) => `${problem.path}: ${problem.message}`),
    mailboxes.length > mostMailboxes &&
      `${path}.mailboxes: expected at most ${mostMailboxes}, as many as surely fit into one row, got ${mailboxes.length}: divide them among several webhooks`,
  ];
}

const isChat = ({ format }: Webhook): boolean => isChatFormat(format);

/** Names of headers and URL parameters that authorise their sender. */
const authorising = /auth|cookie|key|password|secret|signature|token|^sig$/i;

/** Names of fields in a body that authorise their sender; `key` alone may be that of a project. */
const authorisingField = /password|secret|token|(?:routing|api|access|integration|service)_?key/i;

/** Paths of texts in a template that look like credentials and hold no placeholder. */
const literalCredentials = (template: unknown): string[] =>
  textsIn(template)
    .filter(
      ([path, text = '{{']) => authorisingField.test(path.split('.').at(-1)!) && text !== '' && !text.includes('{{'),
    )
    .map(([path]) => path);

const noPlace = 'since a file is no place for credentials';
const fillIt = 'and fill it with npm run notifier -- secret fill';

function credentialProblems(webhook: Webhook, path: string): string[] {
  const { name, url, format, headers = {}, template } = webhook;
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
  for (const place of literalCredentials(template)) {
    problems.push(
      `${path}.${place}: expected a variable, ${noPlace}: name a field of the secret, for example {{${variableFor(name, place.split('.').at(-1)!)}}}, ${fillIt}`,
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

function signatureProblem(webhook: Webhook, path: string): string | undefined {
  // Vendors for whom an operator writes a template do not verify the signature.
  const isVerified = !isChat(webhook) && webhook.format !== 'template';
  if (!isVerified || webhook.secretFrom !== undefined) return undefined;
  const example = variableFor(webhook.name, 'WEBHOOK_SECRET');
  return `${path}.secretFrom: expected on AWS, where a secret that is made is never shown: name a field of the secret, for example ${example}, ${fillIt}`;
}

/** Finds headers of the same name: a request would carry only one of them. */
function headerProblems({ headers = {}, headersFrom = {} }: Webhook, path: string): string[] {
  const names = [...Object.keys(headers), ...Object.keys(headersFrom)];
  const places = names.map(
    (name, index) => `${path}.${index < Object.keys(headers).length ? 'headers' : 'headersFrom'}.${name}`,
  );
  return repetitions(
    names.map((name) => name.toLowerCase()),
    (index, first) => `${places[index]}: expected each header once, but ${places[first]} is the same: leave one out`,
  );
}

function variableProblem({ variable, path, holds }: WebhookVariable, all: readonly WebhookVariable[]) {
  if (ownVariables().has(variable) || foreignVariable.test(variable))
    return `${path}: expected a name that is free, but ${variable} means something else already: name it after the webhook`;
  const other = all.find((use) => use.variable === variable);
  return other && other.holds !== holds
    ? `${path}: expected a field of its own, but ${other.path} takes ${variable} for its ${other.holds}: choose another name`
    : undefined;
}

/** Limit of Secrets Manager for one secret, in bytes. */
export const largestSecret = 65_536;

/** Bytes of the shortest possible values, quotes and commas included. */
const shortest = { address: 18, 'signing secret': 44, header: 7, 'part of the body': 7 };

/** Least bytes of the server's credentials and the data key. */
const ownFields = 200;

function sizeProblem(variables: readonly WebhookVariable[]): string | undefined {
  const fields = new Map(variables.map(({ variable, holds }) => [variable, variable.length + shortest[holds]]));
  const size = [...fields.values()].reduce((sum, bytes) => sum + bytes, ownFields);
  return size > largestSecret
    ? `webhooks: expected variables that fit into one secret of ${largestSecret} bytes, got ${fields.size}, which take at least ${size}: let webhooks share some, or give them shorter names`
    : undefined;
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

/** Variables of all functions. A field of the secret with such a name would override the variable. */
function ownVariables(): ReadonlySet<string> {
  const all = [pollEnvironment, fanOutEnvironment, sweepEnvironment, declareEnvironment, operatorEnvironment];
  return new Set(['SECRET_ARN', 'SECRET_URL', ...all.flatMap((environment) => Object.keys(environment().shape))]);
}
