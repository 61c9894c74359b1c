import { CliError, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import { formatError, isWithoutRegion, remedyFor } from '#infra/terminal/aws-remedies.ts';

/** Hint for an operator whose local run is stopped or keeps its data elsewhere. */
const orLocally = 'for a local run, start it first, and add --data FOLDER unless that is data here';

/** Explains an error of AWS in one line with its remedy. @param doing for example `look up the stack NAME` */
export function awsFailure(error: Error, doing: string, stack?: string): CliError {
  const fail = (what: string, remedy?: string) =>
    new CliError(exitCodes.unreachable, `cannot ${doing}: ${what}${remedy === undefined ? '' : `: ${remedy}`}`);
  if (isWithoutRegion(error)) {
    return fail('no usable region is set', `name that of the stack, for example AWS_REGION=eu-central-1; ${orLocally}`);
  }
  if (error.name === 'ValidationError' && error.message.includes('does not exist')) {
    return fail(
      'there is none of that name in this account and region',
      `name it by --stack, or its region in AWS_REGION; npm run deploy makes ${stack}`,
    );
  }
  const remedy = remedyFor(error);
  const isSignedOut = error.name === 'CredentialsProviderError' || error.name === 'TokenProviderError';
  return fail(formatError(error), isSignedOut ? `${remedy}; ${orLocally}` : remedy);
}
