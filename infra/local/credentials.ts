import { z } from 'zod';
import { ConfigError } from '../config.ts';

const credentials = z.object({
  CRYPTSHARE_CLIENT_ID: z
    .string('expected the client id of this notifier')
    .regex(/^[A-Za-z0-9]{50,4000}$/, 'expected 50 to 4000 letters and digits, as GET /api/clients issues them'),
});

/** On whose behalf the local run polls. */
export interface Credentials {
  readonly clientId: string;
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
  return { clientId: data.CRYPTSHARE_CLIENT_ID };
}
