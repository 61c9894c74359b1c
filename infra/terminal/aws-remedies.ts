/** Remedy for missing or expired AWS credentials. */
export const signIn =
  'sign in (aws sso login, aws configure or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or name a profile in AWS_PROFILE';

const remedies: readonly (readonly [name: RegExp, remedy: string])[] = [
  [/^(CredentialsProviderError|TokenProviderError)$/, signIn],
  [/^(ExpiredToken|RequestExpired)/, `the sign-in has expired: ${signIn}`],
  [
    /^(UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature)/,
    `AWS does not accept the credentials: ${signIn}`,
  ],
  [/^(AccessDenied|KMSAccessDenied)/, 'have that permission granted, or name another profile in AWS_PROFILE'],
  [/^(TooManyRequests|Throttling|LimitExceeded)/, 'AWS has reached a limit: run it again in a minute'],
  [
    /^(TimeoutError|ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT)$/,
    'is AWS reached from here, and is AWS_REGION a region?',
  ],
];

/** Remedy for an error of AWS or its SDK, by name or code; undefined when none is known. */
export function remedyFor(error: Error): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return remedies.find(([name]) => name.test(error.name) || name.test(code ?? ''))?.[1];
}

/** True when the SDK knows no region; that error has no name of its own. */
export const isWithoutRegion = ({ message }: Error): boolean => /^Region (is missing|not accepted)/.test(message);

/** Formats an error of AWS in one line: name or code, and message. */
export function formatError(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const text = error.message.replace(/\s+/g, ' ').trim();
  return [error.name === 'Error' ? code : error.name, text].filter(Boolean).join(': ');
}
