import { addToDigest, bucketOf, type Digests, emptyDigests, type Hash, hash, stateHash } from './digest.ts';
import { canonicalState, isTrackingId, type State } from './transfer.ts';

/** Distinct spellings of states told apart in one listing; the vendor documents seven states in two spellings. */
const maxStates = 255;

/**
 * The transfers that one pass over a watch has seen, each once, however pages drifted.
 *
 * Kept as columns of hashes beside the pages' own text: at 100,000 transfers most of the time of a map of objects goes
 * into memory management, while an unchanged poll never asks for a single transfer. Two tracking ids with the same
 * 64-bit hash would be taken for one; among 100,000 that happens once in 10^9 mailboxes.
 */
export class Listing {
  /** How many different transfers were seen. */
  size = 0;
  /** Rows that name no transfer or no state: skipped, but they forbid any conclusion about absence. */
  malformed = 0;

  private readonly pages: string[] = [];
  private high: Int32Array;
  private low: Int32Array;
  private stateAt: Uint8Array;
  /** Open-addressing index from hash to position + 1. */
  private slots: Int32Array;
  private readonly spellings: string[] = [];
  private readonly stateHashes: Hash[] = [];

  /** @param expected about how many transfers will come; a wrong guess costs time, nothing else */
  constructor(expected = 0) {
    const capacity = Math.ceil(Math.max(100, 1.02 * expected));
    this.high = new Int32Array(capacity);
    this.low = new Int32Array(capacity);
    this.stateAt = new Uint8Array(capacity);
    this.slots = new Int32Array(slotsFor(capacity));
  }

  /**
   * Takes over a page. A transfer seen on an earlier page takes the newer state.
   *
   * @param body the answer's text, see {@link rowsOf}
   * @returns how many rows the page has and how many transfers were not seen before
   * @throws SyntaxError when the text is not JSON, TypeError when it holds no list of rows
   */
  addPage(body: string): { rows: number; added: number } {
    const rows = rowsOf(body);
    const before = this.size;
    for (const row of rows) {
      const state = stateOf(row);
      if (state === undefined || !this.add(row.trackingId, state)) this.malformed += 1;
    }
    this.pages.push(body);
    return { rows: rows.length, added: this.size - before };
  }

  /** Pages taken over so far. */
  get pageCount(): number {
    return this.pages.length;
  }

  /** One digest for each of the `2^bits` buckets. */
  digests(bits: number): Digests {
    const digests = emptyDigests(bits);
    for (let at = 0; at < this.size; at += 1) {
      addToDigest(digests, bits, this.high[at]!, this.low[at]!, this.stateHashes[this.stateAt[at]!]!);
    }
    return digests;
  }

  /** The transfers that fall into the given buckets, as tracking id and state; reads the pages' text once more. */
  in(buckets: ReadonlySet<number>, bits: number): Map<string, State> {
    const transfers = new Map<string, State>();
    if (buckets.size === 0) return transfers;
    for (const page of this.pages) {
      for (const row of rowsOf(page)) {
        const state = stateOf(row);
        if (state === undefined || !buckets.has(bucketOf(hash(row.trackingId).high, bits))) continue;
        transfers.set(row.trackingId, canonicalState(state));
      }
    }
    return transfers;
  }

  private add(trackingId: string, spelling: string): boolean {
    let state = this.spellings.indexOf(spelling);
    if (state < 0) {
      if (this.spellings.length === maxStates) return false;
      state = this.spellings.push(spelling) - 1;
      this.stateHashes.push(stateHash(canonicalState(spelling)));
    }
    const { high, low } = hash(trackingId);
    const mask = this.slots.length - 1;
    let slot = low & mask;
    for (let found = this.slots[slot]!; found !== 0; found = this.slots[slot]!) {
      if (this.low[found - 1] === low && this.high[found - 1] === high) {
        this.stateAt[found - 1] = state;
        return true;
      }
      slot = (slot + 1) & mask;
    }
    if (this.size === this.low.length) {
      this.grow();
      return this.add(trackingId, spelling);
    }
    this.high[this.size] = high;
    this.low[this.size] = low;
    this.stateAt[this.size] = state;
    this.size += 1;
    this.slots[slot] = this.size;
    return true;
  }

  private grow(): void {
    const capacity = 4 * this.size;
    const { high, low, stateAt } = this;
    this.high = new Int32Array(capacity);
    this.high.set(high);
    this.low = new Int32Array(capacity);
    this.low.set(low);
    this.stateAt = new Uint8Array(capacity);
    this.stateAt.set(stateAt);
    this.slots = new Int32Array(slotsFor(capacity));
    const mask = this.slots.length - 1;
    for (let at = 0; at < this.size; at += 1) {
      let slot = this.low[at]! & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = at + 1;
    }
  }
}

interface Row {
  readonly trackingId: string;
}

/** Slots for `capacity` entries: a power of two, at most four fifths filled. */
const slotsFor = (capacity: number): number => 2 ** Math.ceil(Math.log2(1.25 * capacity));

/**
 * The rows of an answer: the array in `data`, or the bare array (both have been seen of this server's answers).
 *
 * @throws SyntaxError when the text is not JSON, TypeError when it holds no list of rows
 */
function rowsOf(body: string): readonly Row[] {
  const answer: unknown = JSON.parse(body);
  const rows = (answer as { data?: unknown } | null)?.data ?? answer;
  if (!Array.isArray(rows)) throw new TypeError('the answer holds no list of transfers');
  return rows;
}

/** The state of a well-formed row as the server spells it: `status.state`, or `state` as the older list has it. */
function stateOf(row: unknown): string | undefined {
  const { trackingId, status, state } = (row ?? {}) as { trackingId?: unknown; status?: unknown; state?: unknown };
  const spelling = (status as { state?: unknown } | null | undefined)?.state ?? state;
  return typeof spelling === 'string' && spelling !== '' && isTrackingId(trackingId) ? spelling : undefined;
}
