import { CryptshareFailure } from './failure.ts';

/** How many bytes listings may take, each for itself and all of a process together. */
export interface ListingLimits {
  readonly listing: number;
  readonly process: number;
}

/** A million transfers of 26 characters each, as many as a pass may have pages for: a quarter of the poll function's memory. */
const usualLimits: ListingLimits = { listing: 64 * 1024 * 1024, process: 64 * 1024 * 1024 };

const megabytes = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MiB`;

/** The memory that the listings of one process share. */
export class ListingMemory {
  readonly limits: ListingLimits;
  private taken = 0;

  constructor(limits: ListingLimits = usualLimits) {
    this.limits = limits;
  }

  /** Bytes that the listings under way have. */
  get used(): number {
    return this.taken;
  }

  /**
   * Takes memory for a listing, before it is allocated.
   *
   * @param held bytes that this listing has already
   * @throws CryptshareFailure when there is no more
   */
  take(bytes: number, held: number): void {
    const { listing, process } = this.limits;
    if (held + bytes > listing) throw new CryptshareFailure('listing_too_large', `more than ${megabytes(listing)}`);
    if (this.taken + bytes > process) {
      const detail = `${megabytes(process)} for all listings that are under way at the same time`;
      throw new CryptshareFailure('listing_too_large', detail);
    }
    this.taken += bytes;
  }

  /** Gives memory back. */
  give(bytes: number): void {
    this.taken -= bytes;
  }
}
