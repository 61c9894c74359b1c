import type { ServerVerification, VerificationOffer } from './server-verification.ts';
import type { Tokens } from './tokens.ts';
import type { Verification, VerificationMethod } from './verification.ts';

export interface VerifyDependencies {
  readonly server: ServerVerification;
  readonly tokens: Tokens;
}

/**
 * Has the server mail a code to a mailbox, unless `stopAt`, an instant of the steady clock, is over; throws
 * CryptshareFailure.
 */
export const requestCode = ({ server }: VerifyDependencies, mailbox: string, stopAt: number): Promise<void> =>
  server.requestCode(mailbox, stopAt);

/**
 * Verifies a mailbox, by the code that its owner has read, or without one by a client id that is registered.
 *
 * @throws CryptshareFailure
 */
export async function verify(
  { server, tokens }: VerifyDependencies,
  mailbox: string,
  code: string | undefined,
  stopAt: number,
): Promise<Verification> {
  const issued = await server.obtainToken(mailbox, code, stopAt);
  const method: VerificationMethod = code === undefined ? 'client_id' : 'email';
  return tokens.keep(mailbox, issued, method);
}

/**
 * Tells how a mailbox stands: asks the server whether the token holds and which methods there are; throws
 * CryptshareFailure.
 */
export async function verificationState(
  { server, tokens }: VerifyDependencies,
  mailbox: string,
  stopAt: number,
): Promise<VerificationOffer & { readonly verification: Verification | undefined }> {
  const { verification, token } = await tokens.stored(mailbox);
  return { ...(await server.offer(mailbox, token, stopAt)), verification };
}
