import * as z from 'zod/mini';
import { type ProxySettings, proxyProblem, proxySettingsIn } from '#functions/http/proxy.ts';
import { jsonOf } from '#functions/parsing/json.ts';

const text = () => z.string('is missing');
const notEmpty = text().check(z.minLength(1, 'must not be empty'));
const queueUrl = text().check(z.regex(/^https?:\/\//, 'must be the URL of a queue'));
const arn = text().check(z.startsWith('arn:', 'must be an ARN'));

/** Key that encrypts secrets and tokens in the tables: 32 bytes in base64; the last sign may be missing. */
const dataKey = text().check(z.regex(/^[A-Za-z0-9+/]{43}=?$/, 'must be 32 bytes in base64'));

function wholeNumber(from: number, to: number) {
  const expected = `must be a whole number from ${from} to ${to}`;
  return z.coerce.number(expected).check(z.int(expected), z.minimum(from, expected), z.maximum(to, expected));
}

// Schemas in functions, so that each bundle leaves out those of the others.
const serverEnvironment = () =>
  z.object({
    CRYPTSHARE_URL: z.url('must be the address of the server'),
    CRYPTSHARE_CLIENT_ID: text().check(z.regex(/^[A-Za-z0-9]{50,4000}$/, 'must be 50 to 4000 letters and digits')),
    DATA_KEY: dataKey,
    /** PEM file of certificates to trust beside the public ones. */
    CRYPTSHARE_CA_FILE: z.optional(notEmpty),
    /** Requests to the server in flight at the same time. */
    MAX_CONCURRENT_PAGES: wholeNumber(1, 100),
    TRANSFERS_TABLE: notEmpty,
    /** Milliseconds between two polls of a watch without an interval of its own. */
    POLL_INTERVAL_MS: wholeNumber(1000, 86_400_000),
    /** Milliseconds between two polls of a watch without recent changes. */
    QUIET_INTERVAL_MS: z.optional(wholeNumber(1000, 86_400_000)),
  });

export const pollEnvironment = () =>
  z.extend(serverEnvironment(), {
    /** Parts into which the watches are divided, each with ticks of its own. */
    SHARDS: wholeNumber(1, 100),
    /** Polls of a watch from one full listing to the next. */
    FULL_LISTING_EVERY: wholeNumber(1, 1000),
    /** Days for which rows of unlisted transfers and of removed watches are kept. */
    TRANSFER_RETENTION_DAYS: wholeNumber(1, 365),
    TRANSFER_EVENTS_TOPIC_ARN: arn,
  });

const webhookEnvironment = () =>
  z.object({
    WEBHOOKS_TABLE: notEmpty,
    WAKE_UP_QUEUE_URL: queueUrl,
    /** Days for which events, deliveries, attempts and tasks are kept. */
    EVENT_RETENTION_DAYS: wholeNumber(1, 365),
  });

export const fanOutEnvironment = () =>
  z.extend(webhookEnvironment(), {
    /** The queue that feeds this function, to which it also hands on what is left. */
    ANNOUNCEMENT_QUEUE_URL: queueUrl,
  });

export const deliverEnvironment = () =>
  z.extend(webhookEnvironment(), {
    DATA_KEY: dataKey,
    /** Topics for mails to readers, with commas between them. */
    TRANSFER_NOTICES_TOPIC_ARN: arn,
    /** URL at which SNS takes requests. */
    SNS_URL: z.url('must be where SNS takes requests'),
    /** Proxy for webhooks; other proxy variables do not concern them. */
    WEBHOOK_PROXY: z.optional(
      text().check(z.refine((proxy) => proxyProblem(proxy) === undefined, 'must be a proxy such as http://HOST:PORT')),
    ),
    /** Set only by the local run. */
    ALLOW_PRIVATE_WEBHOOKS: z.optional(z.literal('yes')),
  });

export const sweepEnvironment = () => z.extend(webhookEnvironment(), { TRANSFER_EVENTS_TOPIC_ARN: arn });

export const declareEnvironment = () =>
  z.extend(webhookEnvironment(), {
    TRANSFERS_TABLE: notEmpty,
    DATA_KEY: dataKey,
    DECLARED_FILE: notEmpty,
  });

/** OpenAPI document of the operator API; the operator function needs it before its secret is filled. */
const documentEnvironment = () => z.object({ OPENAPI_FILE: notEmpty });

export const operatorEnvironment = () =>
  z.extend(serverEnvironment(), {
    ...deliverEnvironment().shape,
    ...documentEnvironment().shape,
    TRANSFER_EVENTS_TOPIC_ARN: arn,
    NOTIFIER_VERSION: notEmpty,
    /** URL at which Lambda's API takes invocations of the poll function. */
    POLL_INVOCATION_URL: z.url('must be where the poll function is invoked'),
    /** JSON object: URLs of all queues by their content. */
    INSPECTED_QUEUES: z.pipe(text(), z.pipe(z.transform(jsonOf), z.record(z.string(), queueUrl))),
  });

export type Fields = Readonly<Record<string, string>>;

/** Thrown when variables are missing or wrong; names each, but repeats no value. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** CloudWatch namespace of this notifier's metrics, apart from others in the account; on AWS its stack's name. */
export const readMetricNamespace = (): string => process.env.METRIC_NAMESPACE ?? 'TransferNotifier';

/** The secret whose fields count as variables, and where it is kept; undefined without a secret. */
export function readSecretPlace() {
  if (process.env.SECRET_ARN === undefined) return undefined;
  const place = z.object({ SECRET_ARN: notEmpty, SECRET_URL: z.url('must be where Secrets Manager takes requests') });
  const { SECRET_ARN: arn, SECRET_URL: url } = read(place);
  return { arn, url };
}

/** Proxy between here and the Cryptshare Server, if the environment names one. */
export const readProxySettings = (): ProxySettings => proxySettingsIn(process.env);

// Environment of each function, with the variables in its secret; all throw EnvironmentError.
export const readPollEnvironment = (fields: Fields = {}) => read(pollEnvironment(), fields);
export const readFanOutEnvironment = () => read(fanOutEnvironment());
export const readDeliverEnvironment = (fields: Fields = {}) => read(deliverEnvironment(), fields);
export const readSweepEnvironment = () => read(sweepEnvironment());
export const readDeclareEnvironment = (fields: Fields = {}) => read(declareEnvironment(), fields);
export const readOperatorEnvironment = (fields: Fields = {}) => read(operatorEnvironment(), fields);

export const readOpenApiFile = (): string => read(documentEnvironment()).OPENAPI_FILE;

/** Secret fields that count as variables; the other fields are values for declared endpoints. */
const secretVariables: ReadonlySet<string> = new Set(['CRYPTSHARE_CLIENT_ID', 'DATA_KEY', 'WEBHOOK_PROXY']);

/** @param fields of the secret; its variables override those of the environment */
function read<Schema extends z.ZodMiniType>(schema: Schema, fields: Fields = {}): z.output<Schema> {
  const fromSecret = Object.entries(fields).filter(([name]) => secretVariables.has(name));
  const { data, error } = z.safeParse(schema, { ...process.env, ...Object.fromEntries(fromSecret) });
  if (data) return data;
  const problems = error!.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new EnvironmentError(`the environment is not as expected:\n  ${problems.join('\n  ')}`);
}
