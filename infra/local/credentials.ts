import { z } from 'zod';
import { proxyProblem } from '../../functions/http/proxy.ts';
import { ConfigError } from '../config.ts';

const credentials = z.object({
  CRYPTSHARE_CLIENT_ID: z
    .string('expected the client id of this notifier')
    .regex(/^[A-Za-z0-9]{50,4000}$/, 'expected 50 to 4000 letters and digits, as GET /api/clients issues them'),
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
 * @throws ConfigError that names what is missing or malformed, but repeats no value
 */
export function readCredentials(environment: NodeJS.ProcessEnv): Credentials {
  const { data, error } = credentials.safeParse(environment);
  if (!data) {
    throw new ConfigError(
      'the environment',
      error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
    );
  }
  return { clientId: data.CRYPTSHARE_CLIENT_ID, webhookProxy: data.WEBHOOK_PROXY };
}
