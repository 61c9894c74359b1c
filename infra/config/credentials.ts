import { z } from 'zod';
import { proxyProblem } from '#functions/http/proxy.ts';
import { ConfigError } from './config.ts';
import { type SmtpSettings, smtpPasswordVariable, smtpTransportOf } from './smtp.ts';

/** Command that makes a client id. */
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
  [smtpPasswordVariable]: z.string().optional(),
});

/** Secrets of a local run. */
export interface Credentials {
  readonly clientId: string;
  /** Proxy for webhooks; overrides the configured one. */
  readonly webhookProxy?: string | undefined;
  /** Password of the user in `notify.smtp.url`. */
  readonly smtpPassword?: string | undefined;
}

/**
 * @param missing further problems
 * @param smtp the mail server, which may need a password
 * @throws ConfigError for what is malformed or missing; it repeats no value
 */
export function readCredentials(
  environment: NodeJS.ProcessEnv,
  missing: readonly string[] = [],
  smtp?: SmtpSettings | undefined,
): Credentials {
  const { data, error } = credentials.safeParse(environment);
  const problems = [
    ...(error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...missing,
    ...(smtp && smtpTransportOf(smtp.url).user !== undefined && !environment[smtpPasswordVariable]
      ? [
          `${smtpPasswordVariable}: this environment variable is missing; it holds the password of the user in notify.smtp.url`,
        ]
      : []),
  ];
  if (!data || problems.length > 0) throw new ConfigError('the environment', problems);
  return {
    clientId: data.CRYPTSHARE_CLIENT_ID,
    webhookProxy: data.WEBHOOK_PROXY,
    smtpPassword: data[smtpPasswordVariable],
  };
}
