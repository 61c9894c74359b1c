import type { ServerClock } from './clock.ts';
import { notVerified, TooManyVerificationsError } from './error.ts';
import type { SeededRandom } from './random.ts';
import type { Switches } from './switches.ts';

/** Whom a verification belongs to: it is void for any other client id or address. */
export interface Claimant {
  readonly mailbox: string;
  readonly clientId: string;
}

interface Token {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** Milliseconds since 1970 of the issue, or of the last transfer its owner sent. */
  usedAt: number;
}

/** What a {@link Verifications} works with. */
export interface VerificationParts {
  readonly clock: ServerClock;
  readonly random: SeededRandom;
  readonly switches: Readonly<Switches>;
}

const minute = 60_000;

/** Who has proved to own which mailbox: client ids, codes by e-mail, and the tokens made from them. */
export class Verifications {
  private readonly parts: VerificationParts;
  private readonly clientIds = new Set<string>();
  private readonly codes = new Map<string, string>();
  private readonly tokens = new Map<string, Map<string, Token[]>>();
  private issued = 0;
  private answeredAt: number[] = [];

  constructor(parts: VerificationParts) {
    this.parts = parts;
  }

  /** Registers a client id for the client-id method, as an administrator does; it may then speak for any mailbox. */
  registerClientId(clientId: string): void {
    this.clientIds.add(clientId);
  }

  /** Whether a client id may use the client-id method. */
  isRegistered(clientId: string): boolean {
    return this.clientIds.has(clientId);
  }

  /** Mails a new code, which voids the older one. */
  sendCode(claimant: Claimant): void {
    this.codes.set(keyOf(claimant), this.parts.random.alphanumerics(10));
  }

  /** The code that was last mailed and is not used yet: what the owner of the mailbox would read there. */
  codeFor(claimant: Claimant): string | undefined {
    return this.codes.get(keyOf(claimant));
  }

  /**
   * Uses up the code that was mailed.
   *
   * @throws CryptshareError 403/3002 for any other code
   */
  redeemCode(claimant: Claimant, code: string): void {
    if (this.codeFor(claimant) !== code) throw notVerified(403);
    this.codes.delete(keyOf(claimant));
  }

  /** Makes a new token for who has proved to own the mailbox. */
  issueToken(claimant: Claimant): string {
    this.issued += 1;
    const token = `simulated-token-${this.issued}`;
    this.grantToken(claimant, token);
    return token;
  }

  /** Makes a token of the caller's choice hold, without any proof. */
  grantToken({ mailbox, clientId }: Claimant, text: string): void {
    const now = this.parts.clock.now();
    const tokens = this.tokensOf(mailbox);
    const older = this.parts.switches.newTokenVoidsOlder ? [] : (tokens.get(clientId) ?? []);
    tokens.set(clientId, [...older, { text, issuedAt: now, usedAt: now }]);
  }

  /** Until when a token holds, in milliseconds since 1970, or `undefined` if it does not. */
  validUntil({ mailbox, clientId }: Claimant, text: string | undefined): number | undefined {
    const token = this.tokens
      .get(mailbox)
      ?.get(clientId)
      ?.find((candidate) => candidate.text === text);
    if (!token) return undefined;
    const { idleTermMs, maximumTermMs } = this.parts.switches;
    const end = Math.min(token.usedAt + idleTermMs, maximumTermMs === null ? Infinity : token.issuedAt + maximumTermMs);
    return end > this.parts.clock.now() ? end : undefined;
  }

  /** Restarts the idle term of a mailbox, which a transfer sent does and polling does not (administrator's guide). */
  restartIdleTerm(mailbox: string): void {
    const holds = (clientId: string, token: Token) => this.validUntil({ mailbox, clientId }, token.text) !== undefined;
    for (const [clientId, tokens] of this.tokensOf(mailbox)) {
      for (const token of tokens) if (holds(clientId, token)) token.usedAt = this.parts.clock.now();
    }
  }

  /** Voids every token and code, as the administrator's reset does. */
  reset(): void {
    this.tokens.clear();
    this.codes.clear();
  }

  /**
   * Counts one call against the limit of `verificationsPerMinute`.
   *
   * @throws TooManyVerificationsError 429/2007
   */
  admit(): void {
    const now = this.parts.clock.now();
    const limit = this.parts.switches.verificationsPerMinute;
    this.answeredAt = this.answeredAt.filter((at) => at > now - minute);
    if (limit !== null && this.answeredAt.length >= limit) {
      const freeAt = (this.answeredAt[0] ?? now) + minute;
      throw new TooManyVerificationsError(Math.ceil((freeAt - now) / 1000));
    }
    this.answeredAt.push(now);
  }

  private tokensOf(mailbox: string): Map<string, Token[]> {
    let tokens = this.tokens.get(mailbox);
    if (!tokens) {
      tokens = new Map();
      this.tokens.set(mailbox, tokens);
    }
    return tokens;
  }
}

const keyOf = ({ mailbox, clientId }: Claimant) => JSON.stringify([mailbox, clientId]);
