import type { TokenSource } from '../transfers/cryptshare.ts';
import { CryptshareFailure } from '../transfers/failure.ts';
import type { DataKey } from '../webhooks/sealing.ts';
import type { IssuedToken, ServerVerification } from './server-verification.ts';
import {
  hasEnded,
  isBusy,
  isPutOff,
  longestRenewal,
  longestWish,
  pauseAfter,
  renewalTime,
  type Verification,
  type VerificationMethod,
} from './verification.ts';
import type { Verifications } from './verifications.ts';

/** What tokens are kept and obtained with. */
export interface TokenDependencies {
  readonly server: ServerVerification;
  readonly verifications: Verifications;
  readonly dataKey: DataKey;
  readonly now: () => Date;
  /** Waits for so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** Milliseconds between looks at what somebody else obtains, and how many looks there are. */
const lookInterval = 500;
const looks = 10;

/**
 * The tokens of mailboxes. A client id that the administrator has registered obtains them by itself and renews them in
 * time, one process at a time; after the e-mail method a person has to. A token is read once by a process and then
 * known to it until it ends or is rejected. Polling does not prolong its life.
 */
export class Tokens implements TokenSource {
  private readonly deps: TokenDependencies;
  private readonly known = new Map<string, { readonly verification: Verification; readonly token: string }>();

  constructor(deps: TokenDependencies) {
    this.deps = deps;
  }

  async tokenFor(mailbox: string, stopAt: number): Promise<string> {
    const now = this.deps.now().getTime();
    const held = this.known.get(mailbox);
    if (held && !isDue(held.verification, now)) return held.token;
    const verification = await this.deps.verifications.find(mailbox);
    const token = this.opened(verification);
    if (token !== undefined && !isDue(verification!, now)) return token;
    const holds = token !== undefined && !hasEnded(verification!, now);
    if (verification?.method === 'email') {
      if (holds) return token;
      throw new CryptshareFailure('verification_ended', `it was valid until ${verification.validUntil}`);
    }
    try {
      return await this.obtain(mailbox, verification, stopAt);
    } catch (error) {
      // There is time left to renew it.
      if (holds && error instanceof CryptshareFailure) return token;
      throw error;
    }
  }

  /** As {@link TokenSource} has it; a token is replaced once, and then not again before a while has passed. */
  async replace(mailbox: string, rejected: string, stopAt: number): Promise<string | undefined> {
    this.known.delete(mailbox);
    const verification = await this.deps.verifications.find(mailbox);
    const token = this.opened(verification);
    // Another process has renewed it meanwhile.
    if (token !== undefined && token !== rejected) return token;
    if (!verification || verification.method === 'email') return undefined;
    try {
      return await this.obtain(mailbox, verification, stopAt);
    } catch (error) {
      if (error instanceof CryptshareFailure) return undefined;
      throw error;
    }
  }

  /**
   * Keeps a token that was obtained by a code.
   *
   * @returns the verification
   * @throws Error when others change it all the time
   */
  async keep(mailbox: string, issued: IssuedToken, method: VerificationMethod): Promise<Verification> {
    for (let tries = 1; ; tries += 1) {
      const read = await this.deps.verifications.find(mailbox);
      const kept = await this.store(read, mailbox, issued, method, 0);
      if (kept) return kept;
      if (tries === looks) throw new Error('the verification is being changed by other processes; try again');
      await this.deps.sleep(lookInterval);
    }
  }

  /** What stands in the table of a mailbox, with its token if there is one. */
  async stored(mailbox: string): Promise<{ verification: Verification | undefined; token: string | undefined }> {
    const verification = await this.deps.verifications.find(mailbox);
    return { verification, token: this.opened(verification) };
  }

  /** What is known of the verification of a mailbox, without asking anybody. */
  knownOf(mailbox: string): Verification | undefined {
    return this.known.get(mailbox)?.verification;
  }

  private async obtain(mailbox: string, read: Verification | undefined, stopAt: number): Promise<string> {
    const now = this.deps.now().getTime();
    if (read && isPutOff(read, now)) {
      throw new CryptshareFailure(read.cause ?? 'token_invalid', `the next attempt is at ${read.retryAt}`);
    }
    if (read && isBusy(read, now)) return this.awaitOther(read, stopAt);
    const busy = await this.deps.verifications.replace(read, {
      ...(read ?? { mailbox, method: 'client_id' }),
      busyUntil: new Date(now + longestRenewal).toISOString(),
    });
    if (!busy) {
      const other = await this.deps.verifications.find(mailbox);
      if (!other) throw new CryptshareFailure('verification_refused', 'its row has vanished');
      return this.awaitOther(other, stopAt);
    }
    try {
      const issued = await this.deps.server.obtainToken(mailbox, undefined, stopAt);
      // A token that is rejected at once must not be renewed over and over.
      const kept = await this.store(busy, mailbox, issued, 'client_id', isFresh(busy, now) ? failuresOf(busy) + 1 : 0);
      if (!kept) throw new CryptshareFailure('token_invalid', 'somebody else has verified it meanwhile');
      return issued.token;
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
      const { busyUntil: _, ...rest } = busy;
      const failures = failuresOf(busy) + 1;
      const wish = Math.min(error.retryAfter ?? 0, longestWish);
      const triedAt = new Date(now).toISOString();
      const retryAt = new Date(now + Math.max(wish, pauseAfter(failures))).toISOString();
      await this.deps.verifications.replace(busy, { ...rest, failures, retryAt, triedAt, cause: error.kind });
      throw error;
    }
  }

  /** Waits for what another process obtains. */
  private async awaitOther(seen: Verification, stopAt: number): Promise<string> {
    for (let look = 0; look < looks; look += 1) {
      if (this.deps.now().getTime() + lookInterval >= stopAt) break;
      await this.deps.sleep(lookInterval);
      const verification = await this.deps.verifications.find(seen.mailbox);
      if (verification && verification.rev !== seen.rev && verification.busyUntil === undefined) {
        const token = this.opened(verification);
        if (token !== undefined && !hasEnded(verification, this.deps.now().getTime())) return token;
      }
    }
    throw new CryptshareFailure('token_invalid', 'another process is renewing it');
  }

  private async store(
    read: Verification | undefined,
    mailbox: string,
    { token, validUntil }: IssuedToken,
    method: VerificationMethod,
    failures: number,
  ): Promise<Verification | undefined> {
    const now = this.deps.now();
    const verification = await this.deps.verifications.replace(read, {
      mailbox,
      method,
      sealed: this.deps.dataKey.seal(token, contextOf(mailbox)),
      obtainedAt: now.toISOString(),
      ...(validUntil !== undefined && { validUntil }),
      ...(failures > 0 && {
        failures,
        retryAt: new Date(now.getTime() + pauseAfter(failures)).toISOString(),
        triedAt: now.toISOString(),
      }),
    });
    if (verification) this.known.set(mailbox, { verification, token });
    return verification;
  }

  private opened(verification: Verification | undefined): string | undefined {
    if (verification?.sealed === undefined) return undefined;
    const token = this.deps.dataKey.open(verification.sealed, contextOf(verification.mailbox));
    this.known.set(verification.mailbox, { verification, token });
    return token;
  }
}

/** Milliseconds for which a token should have held before its renewal is nothing unusual. */
const usualLife = 3_600_000;

const isFresh = ({ obtainedAt }: Verification, now: number): boolean =>
  obtainedAt !== undefined && now - Date.parse(obtainedAt) < usualLife;

const failuresOf = ({ failures = 0 }: Verification): number => failures;

const isDue = (verification: Verification, now: number): boolean => (renewalTime(verification) ?? Infinity) <= now;

const contextOf = (mailbox: string): string => `mailbox ${mailbox}`;
