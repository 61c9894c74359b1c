import { CryptshareFailure } from './failure.ts';

/** A million transfers of 26 characters each, as many as a pass may have pages for: a quarter of the poll function's memory. */
const usualBytes = 64 * 1024 * 1024;

/** The memory that the listings of one process share, in bytes. */
export class ListingMemory {
  /** What the listings under way have. */
  used = 0;
  private readonly most: number;

  constructor(most = usualBytes) {
    this.most = most;
  }

  /**
   * Takes memory for a listing, before it is allocated.
   *
   * @param held bytes that this listing has already
   * @throws CryptshareFailure when there is no more
   */
  take(bytes: number, held: number): void {
    if (this.used + bytes > this.most) {
      const most = `${Math.floor(this.most / 1024 / 1024)} MiB`;
      const isAlone = held + bytes > this.most;
      const detail = isAlone ? `more than ${most}` : `${most} for all listings that are under way at the same time`;
      throw new CryptshareFailure('listing_too_large', detail);
    }
    this.used += bytes;
  }
}
