import { z } from 'zod';
import { ConfigError } from '../config.ts';

/** How to come by a client id. */
export const newClientId = 'npm run notifier -- client-id new';

const credentials = z.object({
  CRYPTSHARE_CLIENT_ID: z
    .string(
      `this environment variable is missing; export the client id of this notifier in it, or make one first: ${newClientId}`,
    )
    .regex(/^[A-Za-z0-9]{50,4000}$/, `expected 50 to 4000 letters and digits; ${newClientId} makes such a client id`),
});

/** On whose behalf the local run polls. */
export interface Credentials {
  readonly clientId: string;
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
  return { clientId: data.CRYPTSHARE_CLIENT_ID };
}
