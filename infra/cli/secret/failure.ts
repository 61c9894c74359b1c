import { formatError, isWithoutRegion, remedyFor } from '#infra/terminal/aws-remedies.ts';

/** Thrown when the secret cannot be filled; tells the remedy and repeats no value. */
export class FillSecretError extends Error {
  override readonly name = 'FillSecretError';
}

/** Remedies for errors of the secret and the function, by error name. */
const remedies: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    'name what the outputs SecretName and FillSecret of the stack say, and its region in AWS_REGION',
  InvalidRequestException: 'if the secret is marked for deletion, restore it: aws secretsmanager restore-secret',
};

/** Explains an error of AWS in one line with its remedy. @param doing for example `read the secret NAME` */
export function failureOf(error: Error, doing: string): FillSecretError {
  const remedy = isWithoutRegion(error)
    ? 'name the region of the stack, for example AWS_REGION=eu-central-1'
    : (remedies[error.name] ?? remedyFor(error));
  return new FillSecretError(`could not ${doing}: ${formatError(error)}${remedy === undefined ? '' : `: ${remedy}`}`);
}
