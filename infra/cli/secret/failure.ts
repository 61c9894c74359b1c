import { formatError, isWithoutRegion, remedyFor } from '#infra/terminal/aws-remedies.ts';

/** Thrown for what keeps the secret from being filled; says what to do and repeats no value. */
export class FillSecretError extends Error {
  override readonly name = 'FillSecretError';
}

/** What to do about errors that concern the secret and the function, by their names. */
const remedies: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    'name what the outputs SecretName and FillSecret of the stack say, and its region in AWS_REGION',
  InvalidRequestException: 'if the secret is marked for deletion, restore it: aws secretsmanager restore-secret',
};

/**
 * What an error of AWS means, in one line with what to do.
 *
 * @param doing what was being done, for example `read the secret NAME`
 */
export function failureOf(error: Error, doing: string): FillSecretError {
  const remedy = isWithoutRegion(error)
    ? 'name the region of the stack, for example AWS_REGION=eu-central-1'
    : (remedies[error.name] ?? remedyFor(error));
  return new FillSecretError(`could not ${doing}: ${formatError(error)}${remedy === undefined ? '' : `: ${remedy}`}`);
}
