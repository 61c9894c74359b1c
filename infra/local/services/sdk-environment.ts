import { devNull } from 'node:os';

/** Settings of the SDK, of Powertools, which would print logs of functions, and of the secret, which only AWS has. */
const settingsOfUser = /^(?:AWS|POWERTOOLS)_|^SECRET_(?:ARN|URL)$/i;

/**
 * Replaces the SDK settings of this process by these. The user's AWS settings, in variables or files, must not lead
 * requests to the user's account or change the run.
 */
export function setSdkEnvironment(settings: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (settingsOfUser.test(name)) delete process.env[name];
  Object.assign(process.env, {
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...settings,
  });
}
