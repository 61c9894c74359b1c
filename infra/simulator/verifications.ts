import { notVerified, tooManyVerifications } from '#infra/simulator/protocol/error.ts';
import type { SharedParts } from './clock.ts';

/** A client id for demos, which a server started for one knows. It is no secret. */
export const simulatedClientId = 'demoClientId'.padEnd(50, '0');

/** Owner of a verification, which is void for any other client id or address. */
export interface Claimant {
  readonly mailbox: string;
  readonly clientId: string;
}

interface Token {
  readonly clientId: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** Milliseconds since 1970: the issue, or the owner's last sent transfer. */
  usedAt: number;
}

const minuteMs = 60_000;

/** Proofs of owning mailboxes: client ids, mailed codes, and the tokens issued for them. */
export class Verifications {
  private readonly parts: SharedParts;
  private readonly clientIds = new Set<string>();
  private readonly codes = new Map<string, string>();
  /** By mailbox. */
  private readonly tokens = new Map<string, readonly Token[]>();
  private issued = 0;
  private answeredAt: number[] = [];

  constructor(parts: SharedParts) {
    this.parts = parts;
  }

  /** Registers a client id for the client-id method, as an administrator does; it is then valid for any mailbox. */
  registerClientId(clientId: string): void {
    this.clientIds.add(clientId);
  }

  isRegistered(clientId: string): boolean {
    return this.clientIds.has(clientId);
  }

  /** Mails a new code, which voids the previous one. */
  sendCode(claimant: Claimant): void {
    this.codes.set(keyOf(claimant), this.parts.random.alphanumerics(10));
  }

  /** Reads the last mailed, unused code, as the owner of the mailbox would. */
  codeFor(claimant: Claimant): string | undefined {
    return this.codes.get(keyOf(claimant));
  }

  /** Mailed codes that are not used yet, as their owners would read them. */
  mailedCodes(): readonly (Claimant & { readonly code: string })[] {
    return [...this.codes].map(([key, code]) => {
      const [mailbox, clientId] = JSON.parse(key) as [string, string];
      return { mailbox, clientId, code };
    });
  }

  /** @throws CryptshareError 403/3002 for any code but the mailed one, which it uses up */
  redeemCode(claimant: Claimant, code: string): void {
    if (this.codeFor(claimant) !== code) throw notVerified(403);
    this.codes.delete(keyOf(claimant));
  }

  issueToken(claimant: Claimant): string {
    this.issued += 1;
    const token = `simulated-token-${this.issued}`;
    this.grantToken(claimant, token);
    return token;
  }

  /** Makes a token valid, without proof; several mailboxes may share the same text. */
  grantToken({ mailbox, clientId }: Claimant, text: string): void {
    const now = this.parts.clock.now();
    const { newTokenVoidsOlder } = this.parts.switches;
    const kept = this.tokensOf(mailbox).filter((token) => !newTokenVoidsOlder || token.clientId !== clientId);
    this.tokens.set(mailbox, [...kept, { clientId, text, issuedAt: now, usedAt: now }]);
  }

  /** Reads the end of a token's validity, in milliseconds since 1970; `undefined` for an invalid token. */
  validUntil({ mailbox, clientId }: Claimant, text: string | undefined): number | undefined {
    const token = this.tokensOf(mailbox).find((one) => one.clientId === clientId && one.text === text);
    if (!token) return undefined;
    const { idleTermMs, maximumTermMs } = this.parts.switches;
    const end = Math.min(token.usedAt + idleTermMs, maximumTermMs === null ? Infinity : token.issuedAt + maximumTermMs);
    return end > this.parts.clock.now() ? end : undefined;
  }

  /** Restarts the idle term of a mailbox; sent transfers do this, polls do not (administrator's guide). */
  restartIdleTerm(mailbox: string): void {
    for (const token of this.tokensOf(mailbox)) {
      const { clientId, text } = token;
      if (this.validUntil({ mailbox, clientId }, text) !== undefined) token.usedAt = this.parts.clock.now();
    }
  }

  /** Voids all tokens and codes, as the administrator's reset does. */
  reset(): void {
    this.tokens.clear();
    this.codes.clear();
  }

  /** @throws CryptshareError 429/2007 beyond `verificationsPerMinute` calls */
  admit(): void {
    const now = this.parts.clock.now();
    const limit = this.parts.switches.verificationsPerMinute;
    this.answeredAt = this.answeredAt.filter((at) => at > now - minuteMs);
    if (limit !== null && this.answeredAt.length >= limit) {
      const freeAt = (this.answeredAt[0] ?? now) + minuteMs;
      throw tooManyVerifications(Math.ceil((freeAt - now) / 1000));
    }
    this.answeredAt.push(now);
  }

  private tokensOf(mailbox: string): readonly Token[] {
    return this.tokens.get(mailbox) ?? [];
  }
}

const keyOf = ({ mailbox, clientId }: Claimant) => JSON.stringify([mailbox, clientId]);
