import { z } from 'zod';
import { proxyProblem } from '#functions/http/proxy.ts';
import { ConfigError } from './config.ts';

/** How to come by a client id. */
export const newClientId = 'npm run notifier -- client-id new';

const credentials = z.object({
  CRYPTSHARE_CLIENT_ID: z
    .string(
      `this environment variable is missing; export the client id of this notifier in it, or make one first: ${newClientId}`,
    )
    .regex(/^[A-Za-z0-9]{50,4000}$/, `expected 50 to 4000 letters and digits; ${newClientId} makes such a client id`),
  WEBHOOK_PROXY: z
    .string()
    .refine((proxy) => proxyProblem(proxy) === undefined, 'expected a proxy such as http://proxy.example.com:3128')
    .optional(),
});

/** On whose behalf the local run polls, and what else is secret. */
export interface Credentials {
  readonly clientId: string;
  /** Proxy for webhooks, which goes before that of the configuration. */
  readonly webhookProxy?: string | undefined;
}

/**
 * Reads the credentials from the environment.
 *
 * @param missing what else is missing there, to be told with it
 * @throws ConfigError that names what is missing or malformed, but repeats no value
 */
export function readCredentials(environment: NodeJS.ProcessEnv, missing: readonly string[] = []): Credentials {
  const { data, error } = credentials.safeParse(environment);
  const problems = (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (!data || missing.length > 0) throw new ConfigError('the environment', [...problems, ...missing]);
  return { clientId: data.CRYPTSHARE_CLIENT_ID, webhookProxy: data.WEBHOOK_PROXY };
}
