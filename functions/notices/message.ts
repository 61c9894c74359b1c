import type { Severity } from '#functions/events/catalogue.ts';
import type { Digest } from './digest.ts';

/** One transfer in a message, or one count. */
export interface MessageLine {
  readonly words: string;
  /** `''` for a line that is not about one transfer. */
  readonly trackingId: string;
  /** Previous state, time or comparison in parentheses; `''` when there is none. */
  readonly detail: string;
}

export interface MessageSection {
  /** `''` for a section without a title. */
  readonly title: string;
  /** Texts that precede the lines. */
  readonly paragraphs: readonly string[];
  readonly lines: readonly MessageLine[];
}

/** A message in the language of its reader, before any channel gives it a form. */
export interface Message {
  readonly language: string;
  readonly severity: Severity;
  readonly subject: string;
  readonly headline: string;
  readonly sections: readonly MessageSection[];
  /** How to see more, and why one gets this message. */
  readonly footer: readonly string[];
}

/** Whom a message is for. */
export interface Addressee {
  /** Name of the reader in the configuration. */
  readonly name: string;
  readonly language: 'en' | 'de';
  /** Name of the IANA data base. */
  readonly timeZone: string;
}

/** Puts a digest into words. */
export function messageOf(_digest: Digest, _addressee: Addressee): Message {
  throw new Error('not yet');
}
