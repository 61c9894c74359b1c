import { createHash } from 'node:crypto';

/** Pseudonym for a text that must not appear in logs, such as a mailbox: 10 hex digits of a hash. */
export const logName = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 10);
