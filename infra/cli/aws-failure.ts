import { CliError, exitCodes } from './cli-error.ts';

/** What to do when AWS does not know who asks, or not any more. */
export const signIn = 'sign in (aws sso login, or aws configure), or name a profile in AWS_PROFILE';

/** What to do about errors of AWS and of the SDK, by their names or codes. */
const remedies: readonly (readonly [name: RegExp, remedy: string])[] = [
  [/^(CredentialsProviderError|TokenProviderError)$/, `${signIn}; for a local run add --url or --data`],
  [/^(ExpiredToken|RequestExpired)/, `the sign-in has expired: ${signIn}`],
  [
    /^(UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature)/,
    `AWS does not know who asks: ${signIn}`,
  ],
  [/^AccessDenied/, 'have that permission granted, or name another profile in AWS_PROFILE'],
  [/^(TooManyRequests|Throttling|LimitExceeded)/, 'AWS has too much to do: run it again in a minute'],
  [
    /^(TimeoutError|ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT)$/,
    'is AWS reached from here, and is AWS_REGION a region?',
  ],
];

/**
 * What an error of AWS means, in one line with what to do.
 *
 * @param doing what was being done, for example `look up the stack NAME`
 */
export function awsFailure(error: Error, doing: string, stack?: string): CliError {
  const { code } = error as NodeJS.ErrnoException;
  const fail = (what: string, remedy?: string) =>
    new CliError(exitCodes.unreachable, `cannot ${doing}: ${what}${remedy === undefined ? '' : `: ${remedy}`}`);
  // The SDK gives these errors no names of their own.
  if (/^Region (is missing|not accepted)/.test(error.message)) {
    return fail(
      'no usable region is set',
      'name that of the stack, for example AWS_REGION=eu-central-1; for a local run add --url or --data',
    );
  }
  if (error.name === 'ValidationError' && error.message.includes('does not exist')) {
    return fail(
      'there is none of that name in this account and region',
      `name it by --stack, or its region in AWS_REGION; npm run deploy makes ${stack}`,
    );
  }
  const remedy = remedies.find(([name]) => name.test(error.name) || name.test(code ?? ''))?.[1];
  const text = error.message.replace(/\s+/g, ' ').trim();
  return fail([error.name === 'Error' ? code : error.name, text].filter(Boolean).join(': '), remedy);
}
