/** Thrown for what keeps the secret from being filled; says what to do and repeats no value. */
export class FillSecretError extends Error {
  override readonly name = 'FillSecretError';
}

const signIn =
  'sign in (aws sso login, aws configure or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or name a profile in AWS_PROFILE';

/** What to do about errors of AWS and of the SDK, by their names. */
const remedies: readonly (readonly [name: RegExp, remedy: string])[] = [
  [/^(CredentialsProviderError|TokenProviderError)$/, signIn],
  [/^(ExpiredToken|RequestExpired)/, `the sign-in has expired: ${signIn}`],
  [
    /^(UnrecognizedClient|InvalidClientTokenId|InvalidSignature|IncompleteSignature)/,
    `AWS does not know who asks: ${signIn}`,
  ],
  [/^(AccessDenied|KMSAccessDenied)/, 'have that permission granted, or name another profile in AWS_PROFILE'],
  [
    /^ResourceNotFound/,
    'name what the outputs SecretName and FillSecret of the stack say, and its region in AWS_REGION',
  ],
  [/^InvalidRequestException$/, 'if the secret is marked for deletion, restore it: aws secretsmanager restore-secret'],
  [/^(TooManyRequests|Throttling|LimitExceeded)/, 'AWS has too much to do: run it again in a minute'],
  [
    /^(TimeoutError|ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT)$/,
    'is AWS reached from here, and is AWS_REGION a region?',
  ],
];

/**
 * What an error of AWS means, in one line with what to do.
 *
 * @param doing what was being done, for example `read the secret NAME`
 */
export function failureOf(error: Error, doing: string): FillSecretError {
  const { code } = error as NodeJS.ErrnoException;
  // The SDK gives this error no name of its own.
  const isWithoutRegion = error.message === 'Region is missing';
  const remedy = isWithoutRegion
    ? 'name the region of the stack, for example AWS_REGION=eu-central-1'
    : remedies.find(([name]) => name.test(error.name) || name.test(code ?? ''))?.[1];
  const what = [error.name === 'Error' ? code : error.name, oneLine(error.message)].filter(Boolean).join(': ');
  return new FillSecretError(`could not ${doing}: ${what}${remedy === undefined ? '' : `: ${remedy}`}`);
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
