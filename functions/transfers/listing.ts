import {
  addToDigest,
  bucketOf,
  type DigestedState,
  type Digests,
  digestedState,
  emptyDigests,
  hash,
  hashInto,
} from './digest.ts';
import { canonicalState, isTrackingId, type State } from './transfer.ts';

/** Distinct spellings of states told apart in one listing; the vendor documents seven states in two spellings. */
const maxSpellings = 255;

/**
 * The transfers that one pass over a watch has seen, each once, however pages drifted.
 *
 * Kept as columns of hashes beside the pages' own text: at 100,000 transfers most of the time of a map of objects goes
 * into memory management, while an unchanged poll never asks for a single transfer. Two tracking ids with the same
 * 64-bit hash would be taken for one; among 100,000 that happens in one mailbox of 10^9.
 */
export class Listing {
  /** How many different transfers were seen. */
  size = 0;
  /** Rows that name no transfer or no state: skipped, but they forbid any conclusion about absence. */
  malformed = 0;

  private readonly pages: string[] = [];
  private readonly spellings: string[] = [];
  /** Of each spelling. */
  private readonly states: DigestedState[] = [];
  private high: Int32Array;
  private low: Int32Array;
  private stateAt: Uint8Array;
  private pageAt: Uint16Array;
  /** Open-addressing index from hash to position + 1. */
  private slots: Int32Array;
  private readonly halves = new Int32Array(2);

  /** @param expected about how many transfers will come; a wrong guess costs time, nothing else */
  constructor(expected = 0) {
    const capacity = Math.ceil(1.02 * expected) + 100;
    this.high = new Int32Array(capacity);
    this.low = new Int32Array(capacity);
    this.stateAt = new Uint8Array(capacity);
    this.pageAt = new Uint16Array(capacity);
    this.slots = new Int32Array(slotsFor(capacity));
  }

  /** Pages taken over so far. */
  get pageCount(): number {
    return this.pages.length;
  }

  /**
   * Takes over a page. A transfer seen on an earlier page takes the newer state.
   *
   * @param body the answer's text: JSON with an array in `data`, or a bare array, of `{trackingId, status: {state}}`
   * @returns how many rows the page has, and how many transfers were not seen before
   * @throws SyntaxError when the text is not JSON, TypeError when it holds no list of rows
   */
  addPage(body: string): { rows: number; added: number } {
    const rows = rowsOf(body);
    const before = this.size;
    for (const row of rows) {
      const spelling = spellingOf(row);
      if (spelling === undefined || !this.add((row as Row).trackingId, spelling)) this.malformed += 1;
    }
    this.pages.push(body);
    return { rows: rows.length, added: this.size - before };
  }

  /** How many of the transfers seen are active. */
  get active(): number {
    let active = 0;
    for (let at = 0; at < this.size; at += 1) if (this.states[this.stateAt[at]!]!.isActive) active += 1;
    return active;
  }

  /** The digests of the `2^bits` buckets. */
  digests(bits: number): Digests {
    const { high, low, stateAt, states } = this;
    const digests = emptyDigests(bits);
    for (let at = 0; at < this.size; at += 1) {
      addToDigest(digests, bits, high[at]!, low[at]!, states[stateAt[at]!]!);
    }
    return digests;
  }

  /** The transfers that fall into the given buckets, as tracking id and state; reads the text of their pages again. */
  in(buckets: ReadonlySet<number>, bits: number): Map<string, State> {
    const pages = new Set<number>();
    for (let at = 0; at < this.size; at += 1) {
      if (buckets.has(bucketOf(this.high[at]!, bits))) pages.add(this.pageAt[at]!);
    }
    const transfers = new Map<string, State>();
    for (const page of [...pages].sort((a, b) => a - b)) {
      for (const row of rowsOf(this.pages[page]!)) {
        const spelling = spellingOf(row);
        if (spelling === undefined || !this.spellings.includes(spelling)) continue;
        const { trackingId } = row as Row;
        if (buckets.has(bucketOf(hash(trackingId).high, bits))) transfers.set(trackingId, canonicalState(spelling));
      }
    }
    return transfers;
  }

  private add(trackingId: string, spelling: string): boolean {
    const state = this.indexOf(spelling);
    if (state === undefined) return false;
    hashInto(this.halves, trackingId);
    const high = this.halves[0]!;
    const low = this.halves[1]!;
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = low & mask;
    for (let found = slots[slot]!; found !== 0; found = slots[slot]!) {
      if (this.low[found - 1] === low && this.high[found - 1] === high) {
        this.stateAt[found - 1] = state;
        this.pageAt[found - 1] = this.pages.length;
        return true;
      }
      slot = (slot + 1) & mask;
    }
    const at = this.size;
    this.high[at] = high;
    this.low[at] = low;
    this.stateAt[at] = state;
    this.pageAt[at] = this.pages.length;
    this.size = at + 1;
    slots[slot] = at + 1;
    if (this.size === this.low.length) this.grow();
    return true;
  }

  private indexOf(spelling: string): number | undefined {
    const known = this.spellings.indexOf(spelling);
    if (known >= 0) return known;
    if (this.spellings.length === maxSpellings) return undefined;
    const state = canonicalState(spelling);
    if (state === '') return undefined;
    this.states.push(digestedState(state));
    return this.spellings.push(spelling) - 1;
  }

  private grow(): void {
    const { high, low, stateAt, pageAt } = this;
    const capacity = 4 * this.size;
    this.high = new Int32Array(capacity);
    this.low = new Int32Array(capacity);
    this.stateAt = new Uint8Array(capacity);
    this.pageAt = new Uint16Array(capacity);
    this.high.set(high);
    this.low.set(low);
    this.stateAt.set(stateAt);
    this.pageAt.set(pageAt);
    this.slots = new Int32Array(slotsFor(capacity));
    const mask = this.slots.length - 1;
    for (let at = 0; at < this.size; at += 1) {
      let slot = this.low[at]! & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = at + 1;
    }
  }
}

/** Slots for `capacity` transfers: a power of two, at most four fifths filled. */
const slotsFor = (capacity: number): number => 2 ** Math.ceil(Math.log2(1.25 * capacity));

/** A row that {@link spellingOf} has found well-formed. */
interface Row {
  readonly trackingId: string;
}

/** The rows of an answer: the array in `data`, or the bare array, as both are plausible readings of the documents. */
function rowsOf(body: string): readonly unknown[] {
  const answer: unknown = JSON.parse(body);
  const rows = (answer as { data?: unknown } | null)?.data ?? answer;
  if (!Array.isArray(rows)) throw new TypeError('the answer holds no list of transfers');
  return rows;
}

/**
 * The state of a row as the server spells it: `status.state`, or `state` as the older list has it.
 *
 * @returns undefined when the row has no usable state or tracking id
 */
function spellingOf(row: unknown): string | undefined {
  const { trackingId, status, state } = (row ?? {}) as {
    trackingId?: unknown;
    status?: { state?: unknown } | null;
    state?: unknown;
  };
  const spelling = status?.state ?? state;
  return typeof spelling === 'string' && spelling !== '' && isTrackingId(trackingId) ? spelling : undefined;
}
