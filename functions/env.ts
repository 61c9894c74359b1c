import { z } from 'zod';

/** What the poll function is told by its environment. */
const pollEnvironment = z.object({
  /** Origin of the Cryptshare Server. */
  CRYPTSHARE_URL: z.url(),
  CRYPTSHARE_CLIENT_ID: z.string().regex(/^[A-Za-z0-9]{50,4000}$/, 'must be 50 to 4000 letters and digits'),
  CRYPTSHARE_VERIFICATION_TOKEN: z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces'),
  /** PEM file with the certificates to trust beside the public ones. */
  CRYPTSHARE_CA_FILE: z.string().min(1).optional(),
  /** Requests to the server under way at the same time. */
  MAX_CONCURRENT_PAGES: z.coerce.number().int().min(1).max(32),
  TRANSFERS_TABLE: z.string().min(1),
  TRANSFER_EVENTS_TOPIC_ARN: z.string().startsWith('arn:'),
  TRANSFER_NOTICES_TOPIC_ARN: z.string().startsWith('arn:'),
});

/** What the fan-out function is told by its environment. */
const fanOutEnvironment = z.object({
  WEBHOOKS_TABLE: z.string().min(1),
  DOORBELL_QUEUE_URL: z.string().regex(/^https?:\/\//, 'must be the URL of a queue'),
});

/** What the deliver function is told by its environment. */
const deliverEnvironment = fanOutEnvironment.extend({
  /** 32 bytes in base64, with which the secrets of endpoints are sealed. */
  WEBHOOKS_DATA_KEY: z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64'),
  /** Set by the local run alone. */
  ALLOW_PRIVATE_WEBHOOKS: z.literal('yes').optional(),
});

/** What the sweep function is told by its environment. */
const sweepEnvironment = fanOutEnvironment.extend({
  TRANSFER_EVENTS_TOPIC_ARN: z.string().startsWith('arn:'),
  TRANSFER_NOTICES_TOPIC_ARN: z.string().startsWith('arn:'),
});

/** Names and texts of the variables that whoever runs the poll function has to set. */
export type PollEnvironmentVariables = Record<keyof z.input<typeof pollEnvironment>, string | undefined>;

/** The same for the functions that deliver webhooks. */
export type WebhookEnvironmentVariables = Record<
  keyof z.input<typeof deliverEnvironment> | keyof z.input<typeof sweepEnvironment>,
  string | undefined
>;

/** Thrown when variables are missing or wrong; names each, but repeats no value. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/**
 * Reads the poll function's environment.
 *
 * @throws EnvironmentError
 */
export const readPollEnvironment = (variables: NodeJS.ProcessEnv = process.env) => read(pollEnvironment, variables);

/** The same for the fan-out function. */
export const readFanOutEnvironment = (variables: NodeJS.ProcessEnv = process.env) => read(fanOutEnvironment, variables);

/** The same for the deliver function. */
export const readDeliverEnvironment = (variables: NodeJS.ProcessEnv = process.env) =>
  read(deliverEnvironment, variables);

/** The same for the sweep function. */
export const readSweepEnvironment = (variables: NodeJS.ProcessEnv = process.env) => read(sweepEnvironment, variables);

function read<Schema extends z.ZodType>(schema: Schema, variables: NodeJS.ProcessEnv): z.output<Schema> {
  const { data, error } = schema.safeParse(variables);
  if (data) return data;
  const problems = error!.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new EnvironmentError(`the environment is not as expected:\n  ${problems.join('\n  ')}`);
}
