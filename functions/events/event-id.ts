import { createHash } from 'node:crypto';

/** An id derived from a fact: a prefix, `_`, and 128 bits of its hash. They are 25 letters and digits in base 36. */
export const factId = (prefix: string, ...fact: readonly (string | number)[]): string => `${prefix}_${hashText(fact)}`;

/** Letters after `evt_` that identify the transfer: 62 bits, which leaves 67 for the fact. */
const subjectLength = 12;

/** The id of a transfer's event: letters of the transfer, then of the fact, its watch and server included. */
export function transferEventId(trackingId: string, server: string, watch: string, ...fact: (string | number)[]) {
  return eventIdPrefixOf(trackingId) + hashText([server, watch, trackingId, ...fact]).slice(subjectLength);
}

/** The common prefix of the ids of a transfer's events, which are therefore stored in one partition. */
export const eventIdPrefixOf = (trackingId: string): string => `evt_${hashText([trackingId]).slice(-subjectLength)}`;

/** 128 bits of a hash in base 36: 25 letters and digits. */
function hashText(fact: readonly (string | number)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(fact)).digest('hex');
  return BigInt(`0x${digest.slice(0, 32)}`)
    .toString(36)
    .padStart(25, '0');
}
