import { CryptshareFailure } from './failure.ts';

/** A quarter of the poll function's memory: a million transfers of 26 characters, the most in a pass. */
const usualBytes = 64 * 1024 * 1024;

/** Memory in bytes that all listings of a process share. */
export class ListingMemory {
  used = 0;
  private readonly most: number;

  constructor(most = usualBytes) {
    this.most = most;
  }

  /** Reserves bytes for a listing that already has `held`. @throws CryptshareFailure when too little is left */
  take(bytes: number, held: number): void {
    if (this.used + bytes > this.most) {
      const most = `${Math.floor(this.most / 1024 / 1024)} MiB`;
      const isAlone = held + bytes > this.most;
      const detail = isAlone ? `more than ${most}` : `${most} for all listings in progress at the same time`;
      throw new CryptshareFailure('listing_too_large', detail);
    }
    this.used += bytes;
  }
}
