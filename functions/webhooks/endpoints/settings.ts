import * as z from 'zod/mini';
import { eventTypes, isOfType } from '#functions/events/catalogue.ts';
import { address, addressProblem } from '#functions/transfers/mailbox-address.ts';
import { secretProblem } from '#functions/webhooks/http/signature.ts';
import { headerProblem, targetProblem } from '#functions/webhooks/http/ssrf-guard.ts';
import { formats, isForPeople } from './format.ts';
import { addressIn, checkedBy, eventType, mailOrigin, readerProblems, readerSettings } from './reader.ts';
import { defaultRetryDelays, retryDelaysProblem } from './retry-schedule.ts';
import { templateProblems } from './template.ts';

/** Thrown when an operation on an endpoint is impossible; lists every mistake, but repeats no secret. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
  readonly problems: readonly string[];
  /** Wrong input, an unknown endpoint, or an endpoint in another state. */
  readonly kind: 'invalid' | 'missing' | 'conflict';

  constructor(problems: readonly string[], kind: EndpointError['kind'] = 'invalid') {
    super(problems.join('\n'));
    this.problems = problems;
    this.kind = kind;
  }
}

export const endpointName = z
  .string()
  .check(z.regex(/^[a-z0-9-]{1,64}$/, 'expected 1 to 64 lower-case letters, digits and hyphens'));

const headers = z.record(z.string(), z.string('expected a text')).check(({ value: given, issues }) => {
  const refuse = (message: string, path: string[] = []) =>
    issues.push({ code: 'custom', input: undefined, path, message });
  if (Object.keys(given).length > 10) refuse('expected at most 10 headers');
  for (const [name, value] of Object.entries(given)) {
    const problem = headerProblem(name, value);
    if (problem) refuse(problem, [name]);
  }
});

const urlProblem = (url: string, allowPrivate: boolean) =>
  url.startsWith(mailOrigin) ? addressProblem(addressIn(url)) : targetProblem(url, allowPrivate);

/** The settings of an endpoint without their defaults; `allowPrivate` as in {@link targetProblem}. */
export const endpointSettingFields = (allowPrivate: boolean) => ({
  url: z.string('expected a URL').check(checkedBy((url) => urlProblem(url, allowPrivate))),
  types: z.array(eventType).check(z.minLength(1, 'expected at least one event type')),
  mailboxes: z.array(address).check(z.minLength(1)),
  directions: z.array(z.enum(['sent', 'received'])).check(z.minLength(1)),
  reader: readerSettings,
  format: z.enum(formats),
  template: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())], 'expected a JSON object or array'),
  variables: z.record(
    z.string().check(z.regex(/^[A-Z][A-Z0-9_]*$/)),
    z.string('expected a text').check(z.maxLength(4096, 'expected at most 4096 characters')),
  ),
  headers,
  retryDelaysMs: z.array(z.number()).check(checkedBy(retryDelaysProblem)),
  maxInFlight: z.int().check(z.minimum(1), z.maximum(100)),
});

export const endpointSettings = (allowPrivate: boolean) => {
  const fields = endpointSettingFields(allowPrivate);
  const all = z.partial(z.strictObject(fields), { mailboxes: true, directions: true, reader: true, template: true });
  return z.extend(all, {
    types: z._default(fields.types, ['transfer.*']),
    format: z._default(fields.format, 'event'),
    variables: z._default(fields.variables, {}),
    headers: z._default(fields.headers, {}),
    retryDelaysMs: z._default(fields.retryDelaysMs, [...defaultRetryDelays]),
    maxInFlight: z._default(fields.maxInFlight, 10),
  });
};

export type EndpointSettingsInput = z.input<ReturnType<typeof endpointSettings>>;

/** Applies the defaults, and lists all mistakes by path without any secret; `secret` is the operator's own. */
export function parseSettings(name: string, input: unknown, allowPrivate: boolean, secret?: string) {
  const { error: nameError } = endpointName.safeParse(name);
  const { data, error } = endpointSettings(allowPrivate).safeParse(input);
  const problems = [
    ...(nameError?.issues.map(({ message }) => `name: ${message}`) ?? []),
    ...(error?.issues.map(({ path, message }) => `${path.join('.') || 'endpoint'}: ${message}`) ?? []),
    ...problemsOfFormat(input, allowPrivate),
    ...problemsOfBody(input),
    ...(data ? readerProblems(data).map(([path, problem]) => `reader.${path}: ${problem}`) : []),
    ...problemsOfSecret(secret),
  ];
  return { data, problems };
}

/** Checks format, URL and reader together: only a mail goes to an address, and only people read. */
function problemsOfFormat(input: unknown, allowPrivate: boolean): string[] {
  const { format = 'event', url, reader } = Object(input);
  const isMail = format === 'email';
  const mismatch = isMail ? 'expected mailto: and an e-mail address' : targetProblem(String(url), allowPrivate);
  return [
    ...(typeof url === 'string' && url.startsWith(mailOrigin) !== isMail ? [`url: ${mismatch}`] : []),
    ...(reader && !isForPeople(format) ? [`reader: expected none with format ${format}, which no person reads`] : []),
  ];
}

/** Checks format, template and types together, whatever else is wrong. */
function problemsOfBody(input: unknown): string[] {
  const { format, template, variables, types = ['transfer.*'] } = Object(input);
  const isTemplate = format === 'template';
  if (isTemplate !== (template !== undefined))
    return [`template: expected ${isTemplate ? 'one' : 'none'} with format ${format ?? 'event'}`];
  if (typeof template !== 'object' || !Array.isArray(types)) return [];
  const wanted = eventTypes.filter((type) => isOfType(type, types.map(String)));
  return templateProblems({ template, variables }, wanted);
}

/** @throws EndpointError with the problems of {@link parseSettings} */
export function checkedSettings(...given: Parameters<typeof parseSettings>) {
  const { data, problems } = parseSettings(...given);
  if (!data || problems.length > 0) throw new EndpointError(problems);
  return data;
}

/** Problem of an operator's own signing secret; does not repeat it. */
export const ownSecretProblem = (secret: string): string | undefined =>
  secretProblem(secret) ?? (secret.startsWith('whsec_') ? undefined : 'expected whsec_ before the key');

export function problemsOfSecret(secret: string | undefined): string[] {
  const problem = secret === undefined ? undefined : ownSecretProblem(secret);
  return problem ? [`secret: ${problem}`] : [];
}
