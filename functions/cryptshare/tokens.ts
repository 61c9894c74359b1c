import { type Deadline, hasBeen } from '#functions/clock/instants.ts';
import type { DataKey } from '#functions/lambda/data-key.ts';
import type { ServerCalls } from './api-calls.ts';
import { ClientIdRefusal } from './client-id-refusal.ts';
import { CryptshareFailure } from './failure.ts';
import { hasEnded, isBusy, isDue, isPaused, longestRenewalMs, pauseAfter, type Verification } from './verification.ts';
import { type IssuedToken, obtainToken } from './verification-api.ts';
import type { Verifications } from './verification-rows.ts';

export interface TokenDependencies {
  /** Source of the clocks; tokens end by the server's clock. */
  readonly calls: ServerCalls;
  readonly verifications: Verifications;
  readonly dataKey: DataKey;
}

/** Milliseconds between looks at the row while another process renews the token: each look costs a read unit. */
const lookInterval = 500;

/** Attempts to store a token while other processes change its row. One obtained by a code costs a person a code. */
const tries = 10;

export interface Rejection {
  readonly token: string;
  readonly failure: CryptshareFailure;
  /** True when the server's own error says so, not only a status that a proxy may have given. */
  readonly isCertain: boolean;
}

/** Source of the tokens by which a server knows whose mailbox a request concerns. */
export type TokenSource = Pick<Tokens, 'tokenFor' | 'accepted' | 'reject'>;

interface Known {
  readonly verification: Verification;
  readonly token: string;
  /** True when the server has answered a request that carried it. */
  isAccepted: boolean;
}

/**
 * Tokens of mailboxes. A registered client id obtains and renews them by itself, one process at a time. After the
 * e-mail method a person has to. A process caches a token until its renewal is due or the server rejects it. Polling
 * does not prolong a token's life.
 */
export class Tokens {
  private readonly deps: TokenDependencies;
  private readonly known = new Map<string, Known>();
  private readonly obtaining = new Map<string, Promise<string>>();
  private refusal = new ClientIdRefusal();
  private forgivenAt = 0;

  constructor(deps: TokenDependencies) {
    this.deps = deps;
  }

  /** A token believed valid, never a rejected one. @throws CryptshareFailure when there is none */
  async tokenFor(mailbox: string, deadline: Deadline): Promise<string> {
    const now = this.deps.calls.serverTime().getTime();
    const held = this.known.get(mailbox);
    if (held && !isDue(held.verification, now)) return held.token;
    const { verification, token } = await this.stored(mailbox);
    if (token !== undefined && !isDue(verification!, now)) return token;
    if (verification?.method === 'email')
      throw new CryptshareFailure(hasEnded(verification, now) ? 'verification_ended' : 'token_invalid');
    try {
      return await this.obtain(mailbox, verification, deadline);
    } catch (error) {
      // The old token still holds, so there is time left to renew it.
      if (token !== undefined && !hasEnded(verification!, now) && error instanceof CryptshareFailure) return token;
      throw error;
    }
  }

  /** Records that the server has answered a request with this token. */
  accepted(mailbox: string, token: string): void {
    const known = this.known.get(mailbox);
    if (known?.token === token) known.isAccepted = true;
  }

  /**
   * Records a rejection, after which {@link tokenFor} may find another token. Only the server's own error rejects one
   * obtained by a code. Returns the failure with the advice that fits the way the mailbox was verified.
   */
  async reject(mailbox: string, { token, failure, isCertain }: Rejection): Promise<CryptshareFailure> {
    const known = this.known.get(mailbox);
    // Another listing has already replaced it.
    if (known && known.token !== token) return failure;
    const verification = await this.deps.verifications.find(mailbox);
    if (!verification || (verification.method === 'email' && !isCertain)) return failure;
    this.known.delete(mailbox);
    if (this.textOf(verification) === token && !verification.isRejected) {
      const now = this.deps.calls.options.now();
      const age = this.deps.calls.serverTime().getTime() - Date.parse(verification.obtainedAt ?? '');
      // A token rejected before any use must not be renewed over and over; the first time may be bad luck.
      const failures = known?.isAccepted || age > usualLifeMs ? 0 : (verification.failures ?? 0) + 1;
      const { retryAt: _, triedAt: __, ...rest } = verification;
      const pause = failures > 1 ? paused(failures, pauseAfter(failures - 1), now) : { failures };
      await this.deps.verifications.replace(verification, { ...rest, ...pause, isRejected: true });
    }
    return verification.method === 'email' ? failure : rejected(failure.detail);
  }

  /** Ends the pause after attempts that failed by this Unix time in milliseconds: their cause is mended. */
  forgive(at: number): void {
    if (at <= this.deps.calls.options.now().getTime()) this.forgivenAt = Math.max(this.forgivenAt, at);
  }

  /**
   * Verifies a mailbox: by the code that its owner has read, or without a code by a registered client id. @throws
   * CryptshareFailure when the server refuses, Error when other processes keep changing the verification
   */
  async verify(mailbox: string, code: string | undefined, deadline: Deadline): Promise<Verification> {
    const issued = await obtainToken(this.deps.calls, mailbox, code, deadline);
    const method = code === undefined ? 'client_id' : 'email';
    for (let attempt = 1; ; attempt += 1) {
      const read = await this.deps.verifications.find(mailbox);
      const kept = await this.store(read, issued, { mailbox, method });
      if (kept) return kept;
      if (attempt === tries) throw new Error('the verification is being changed by other processes; try again');
      await this.deps.calls.options.sleep(lookInterval);
    }
  }

  /** Reads the verification of a mailbox from the table, with its token if there is one. */
  async stored(mailbox: string) {
    const verification = await this.deps.verifications.find(mailbox);
    return { verification, token: this.opened(verification) };
  }

  cachedVerification(mailbox: string): Verification | undefined {
    return this.known.get(mailbox)?.verification;
  }

  private obtain(mailbox: string, read: Verification | undefined, deadline: Deadline): Promise<string> {
    const begin = () => this.obtainOnce(mailbox, read, deadline).finally(() => this.obtaining.delete(mailbox));
    const obtained = this.obtaining.get(mailbox) ?? begin();
    this.obtaining.set(mailbox, obtained);
    return obtained;
  }

  private async obtainOnce(mailbox: string, read: Verification | undefined, deadline: Deadline): Promise<string> {
    const now = this.deps.calls.options.now();
    // A clock that was ahead must not forgive failures still to come.
    const forgivenAt = hasBeen(this.forgivenAt, now.getTime()) ? this.forgivenAt : 0;
    const refusal = this.refusal.standing(forgivenAt, now.getTime());
    if (refusal) throw refusal;
    if (read && isPaused(read, forgivenAt, now.getTime()))
      throw read.cause ? new CryptshareFailure(read.cause) : rejected();
    const busyUntil = new Date(now.getTime() + longestRenewalMs).toISOString();
    const marked = { ...(read ?? { mailbox, method: 'client_id' as const }), busyUntil };
    const busy = isBusy(read, now.getTime()) ? undefined : await this.deps.verifications.replace(read, marked);
    if (!busy) return this.awaitOther(mailbox, deadline);
    try {
      const issued = await obtainToken(this.deps.calls, mailbox, undefined, deadline);
      this.refusal = new ClientIdRefusal();
      const failures = busy.isRejected ? busy.failures : 0;
      const kept = await this.store(busy, issued, { mailbox, method: 'client_id', failures });
      if (!kept) throw new CryptshareFailure('token_invalid', 'it has been verified anew since');
      return issued.token;
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
      const { busyUntil: _, ...rest } = busy;
      const failures = (busy.failures ?? 0) + 1;
      // The server's circuit breaker handles failures that pass by themselves.
      const pause = pauseAfter(error.retryable ? 1 : failures, error.retryAfterMs);
      const isShared = this.refusal.note(error, now.getTime(), this.deps.calls.options.now().getTime());
      const own = isShared ? {} : { ...paused(failures, pause, now), cause: error.kind };
      await this.deps.verifications.replace(busy, { ...rest, ...own });
      throw error;
    }
  }

  /** Waits for the token of another process, and obtains one itself if that process brings none. */
  private async awaitOther(mailbox: string, deadline: Deadline): Promise<string> {
    for (;;) {
      const verification = await this.deps.verifications.find(mailbox);
      const now = this.deps.calls.options.now().getTime();
      if (!isBusy(verification, now)) {
        const token = this.opened(verification);
        if (token !== undefined && !hasEnded(verification!, this.deps.calls.serverTime().getTime())) return token;
        return this.obtainOnce(mailbox, verification, deadline);
      }
      if (this.deps.calls.options.steady() + lookInterval >= deadline)
        throw new CryptshareFailure('token_invalid', 'another process is renewing it');
      await this.deps.calls.options.sleep(lookInterval);
    }
  }

  private async store(read: Verification | undefined, { token, validUntil }: IssuedToken, proof: Proof) {
    const { mailbox, method, failures = 0 } = proof;
    const verification = await this.deps.verifications.replace(read, {
      ...{ mailbox, method },
      encrypted: this.deps.dataKey.encrypt(token, contextOf(mailbox)),
      obtainedAt: this.deps.calls.serverTime().toISOString(),
      ...(validUntil !== undefined && { validUntil }),
      ...(failures > 0 && { failures }),
    });
    if (verification) this.known.set(mailbox, { verification, token, isAccepted: false });
    return verification;
  }

  /** Decrypts and caches the token of a verification; undefined when there is none or it was rejected. */
  private opened(verification: Verification | undefined): string | undefined {
    const token = verification?.isRejected ? undefined : verification && this.textOf(verification);
    if (!verification || token === undefined) return undefined;
    const before = this.known.get(verification.mailbox);
    const isAccepted = before?.token === token && before.isAccepted;
    this.known.set(verification.mailbox, { verification, token, isAccepted });
    return token;
  }

  private textOf({ mailbox, encrypted }: Verification): string | undefined {
    return encrypted === undefined ? undefined : this.deps.dataKey.decrypt(encrypted, contextOf(mailbox));
  }
}

type Proof = Pick<Verification, 'mailbox' | 'method' | 'failures'>;

/** Milliseconds after which the renewal of a rejected token is nothing unusual, even if it was never seen in use. */
const usualLifeMs = 3_600_000;

const paused = (failures: number, pause: number, now: Date) => {
  return { failures, triedAt: now.toISOString(), retryAt: new Date(now.getTime() + pause).toISOString() };
};

/** Failure of a mailbox that the client id verifies, without the advice to have a code mailed. */
const rejected = (detail?: string): CryptshareFailure =>
  new CryptshareFailure('token_invalid', detail, undefined, {
    remedy:
      'nothing to do if it passes, for the client id obtains another token by itself; otherwise ask the administrator whether the client id is still registered (Add-on Products > REST API)',
  });

const contextOf = (mailbox: string): string => `mailbox ${mailbox}`;
