import { devNull } from 'node:os';

/** Of the SDK, of Powertools, which would print what functions log, and of the secret that functions have on AWS alone. */
const settingsOfUser = /^(?:AWS|POWERTOOLS)_|^SECRET_ARN$/i;

/**
 * Has the SDK clients and functions of this process, which read the environment as they do on AWS, find these settings and no
 * others: those that the user has made for an AWS account, in variables or in files, must lead nothing there and change
 * nothing here.
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
