import { assumed } from './bill-assumptions.ts';
import { requestsOfPoll } from './monthly-polls.ts';
import type { Installation, MeasuredUse } from './use.ts';

/**
 * Watches of an installation's kind that an interval can be kept for.
 *
 * @param every minutes
 * @param atOnce requests to the server that may be under way at the same time, over all shards
 */
export function mostWatches(installation: Installation, measured: MeasuredUse, every: number, atOnce: number): number {
  const listings = requestsOfPoll(installation, measured) * installation.pageLatency;
  return Math.floor((assumed('fullShard') * every * 60_000 * atOnce) / listings);
}
