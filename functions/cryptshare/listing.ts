import type { DigestedState } from '#functions/transfers/digest.ts';
import { addToDigest, bucketOf, digestedState, emptyDigests, hashInto } from '#functions/transfers/digest.ts';
import { type Facts, factsHash } from '#functions/transfers/follow.ts';
import { canonicalState, isTrackingId, type State } from '#functions/transfers/transfer.ts';
import type { FactsReader } from './details.ts';
import { CryptshareFailure } from './failure.ts';
import { ListingMemory } from './listing-memory.ts';
import { pageSize } from './pagination.ts';

/** Distinct raw states in one listing; the vendor documents seven states in two spellings. */
const maxSpellings = 255;

/** Characters of a vendor's tracking id, and one more. */
const usualIdLength = 27;

/** Bytes for each transfer, besides its tracking id and its slots. */
const bytesPerRow = 4 + 4 + 4 + 1;

/** Bytes for the facts of a transfer, and for each of its recipients: a generous guess. */
const bytesOfFacts = 300;
const bytesPerRecipient = 200;

/**
 * Transfers that one pass over a watch has seen, each once, even if pages drifted.
 *
 * Stored as columns of hashes and bytes, without the pages. A map of objects would cost more time in memory management
 * than the comparison. An unchanged poll never reads a single transfer. Two tracking ids with the same 64-bit hash
 * would count as one. Among 100,000 that happens in one mailbox of 10^9.
 */
export class Listing {
  size = 0;
  /** Rows without a transfer or a state: skipped, but they forbid any conclusion about absence. */
  malformed = 0;
  pageCount = 0;
  /** True for a listing that reads facts. */
  readonly hasFacts: boolean;

  private readonly memory: ListingMemory;
  private held = 0;
  private readonly spellings: string[] = [];
  private readonly states: DigestedState[] = [];
  private high = new Int32Array(0);
  private low = new Int32Array(0);
  private stateAt = new Uint8Array(0);
  /** Tracking ids in ASCII, concatenated; `idEnd` has the end of each. */
  private ids = Buffer.alloc(0);
  private idEnd = new Uint32Array(0);
  /** Open-addressing index from hash to position + 1. */
  private slots = new Int32Array(0);
  private readonly halves = new Int32Array(2);
  /** Facts of active transfers by position. */
  private readonly facts = new Map<number, Facts>();
  private readonly readFacts: FactsReader | undefined;

  /** Without `readFacts`, of states alone; `expected` is a mere guess. @throws CryptshareFailure if memory is short */
  constructor(expected = 0, memory = new ListingMemory(), readFacts?: FactsReader) {
    this.memory = memory;
    this.readFacts = readFacts;
    this.hasFacts = readFacts !== undefined;
    const capacity = Math.ceil(1.02 * expected) + 100;
    try {
      this.resize(capacity);
      this.resizeIds(capacity * usualIdLength);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /**
   * Adds a page: JSON with an array in `data`, or a bare array, of `{trackingId, status: {state}}`. A transfer seen on
   * an earlier page takes the newer state. Returns the number of rows, and of transfers not seen before.
   * @throws SyntaxError when the text is not JSON, TypeError when it holds no list of rows, CryptshareFailure when the
   * memory does not suffice; rows that fit have been added
   */
  addPage(body: string): { rows: number; added: number } {
    const rows = rowsOf(body);
    const before = this.size;
    for (const row of rows) {
      const spelling = spellingOf(row);
      const at = spelling === undefined ? -1 : this.add((row as { trackingId: string }).trackingId, spelling);
      if (at < 0) this.malformed += 1;
      else if (this.readFacts) this.note(at, this.isActive(at) ? this.readFacts(row) : undefined);
    }
    this.pageCount += 1;
    return { rows: rows.length, added: this.size - before };
  }

  get active(): number {
    return this.numberIn(({ isActive }) => isActive);
  }

  /** Number of transfers that have yet to become active. */
  get preparing(): number {
    return this.numberIn(({ isActive, isFinal }) => !isActive && !isFinal);
  }

  /** True when no transfer stands below an older one on its page. Tracking ids begin with a time of 15 characters. */
  get isNewestFirst(): boolean {
    const sentAt = (index: number) => this.idAt(index).slice(0, 15);
    for (let index = 1; index < this.size; index += 1) {
      if (index % pageSize > 0 && sentAt(index - 1) < sentAt(index)) return false;
    }
    return true;
  }

  /** Number of active transfers whose facts are known. */
  get told(): number {
    return this.facts.size;
  }

  /** Adds facts of active transfers, by tracking id; as many as the memory suffices for. */
  addFacts(facts: ReadonlyMap<string, Facts>): void {
    try {
      for (let index = 0; index < this.size && facts.size > 0; index += 1) {
        const known = this.isActive(index) ? facts.get(this.idAt(index)) : undefined;
        if (known) this.note(index, known);
      }
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
    }
  }

  digests(bits: number) {
    const { high, low, stateAt, states } = this;
    const digests = emptyDigests(bits);
    for (let index = 0; index < this.size; index += 1) {
      const facts = this.facts.get(index);
      addToDigest(digests, bits, high[index]!, low[index]!, states[stateAt[index]!]!, facts ? factsHash(facts) : 0);
    }
    return digests;
  }

  /** Active transfers without facts, by bucket. */
  untold(bits: number): Map<number, string[]> {
    const untold = new Map<number, string[]>();
    for (let index = 0; index < this.size; index += 1) {
      if (!this.isActive(index) || this.facts.has(index)) continue;
      const bucket = bucketOf(this.high[index]!, bits);
      const ids = untold.get(bucket);
      if (ids) ids.push(this.idAt(index));
      else untold.set(bucket, [this.idAt(index)]);
    }
    return untold;
  }

  /** Transfers in the given buckets: states by tracking id. */
  in(buckets: ReadonlySet<number>, bits: number): Map<string, State> {
    const states = this.spellings.map(canonicalState);
    const transfers = new Map<string, State>();
    for (let index = 0; index < this.size; index += 1) {
      if (!buckets.has(bucketOf(this.high[index]!, bits))) continue;
      transfers.set(this.idAt(index), states[this.stateAt[index]!]!);
    }
    return transfers;
  }

  knownFacts(): Map<string, Facts> {
    return new Map([...this.facts].map(([index, facts]) => [this.idAt(index), facts]));
  }

  /** Gives the memory back; the listing must not be used any more. */
  release(): void {
    this.give(this.held);
  }

  private numberIn(isIn: (state: DigestedState) => boolean): number {
    return this.stateAt.subarray(0, this.size).filter((state) => isIn(this.states[state]!)).length;
  }

  private isActive(index: number): boolean {
    return this.states[this.stateAt[index]!]!.isActive;
  }

  private idAt(index: number): string {
    return this.ids.toString('latin1', index === 0 ? 0 : this.idEnd[index - 1]!, this.idEnd[index]!);
  }

  private note(index: number, facts: Facts | undefined): void {
    if (facts) this.take(bytesOfFacts + bytesPerRecipient * facts.fetches.size);
    if (facts) this.facts.set(index, facts);
    else this.facts.delete(index);
  }

  /** @returns the transfer's position; -1 for one spelling of a state too many */
  private add(trackingId: string, spelling: string): number {
    const state = this.indexOf(spelling);
    if (state === undefined) return -1;
    hashInto(this.halves, trackingId);
    const high = this.halves[0]!;
    const low = this.halves[1]!;
    if (this.size === this.low.length) this.resize(2 * this.size);
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = low & mask;
    for (let found = slots[slot]!; found !== 0; found = slots[slot]!) {
      if (this.low[found - 1] === low && this.high[found - 1] === high) {
        this.stateAt[found - 1] = state;
        return found - 1;
      }
      slot = (slot + 1) & mask;
    }
    const at = this.size;
    const start = at === 0 ? 0 : this.idEnd[at - 1]!;
    const end = start + trackingId.length;
    if (end > this.ids.length) this.resizeIds(2 * end);
    const { ids } = this;
    for (let from = 0; from < trackingId.length; from += 1) ids[start + from] = trackingId.charCodeAt(from);
    this.idEnd[at] = end;
    this.high[at] = high;
    this.low[at] = low;
    this.stateAt[at] = state;
    this.size = at + 1;
    slots[slot] = at + 1;
    return at;
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

  private resize(capacity: number): void {
    const before = bytesPerRow * this.low.length + 4 * this.slots.length;
    // A power of two, at most four fifths filled.
    const slotCount = 2 ** Math.ceil(Math.log2(1.25 * capacity));
    this.take(bytesPerRow * capacity + 4 * slotCount);
    this.high = new Int32Array(this.high.buffer.transfer(4 * capacity));
    this.low = new Int32Array(this.low.buffer.transfer(4 * capacity));
    this.stateAt = new Uint8Array(this.stateAt.buffer.transfer(capacity));
    this.idEnd = new Uint32Array(this.idEnd.buffer.transfer(4 * capacity));
    this.slots = new Int32Array(slotCount);
    const mask = slotCount - 1;
    for (let index = 0; index < this.size; index += 1) {
      let slot = this.low[index]! & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = index + 1;
    }
    this.give(before);
  }

  private resizeIds(bytes: number): void {
    const { ids } = this;
    this.take(bytes);
    this.ids = Buffer.alloc(bytes);
    this.ids.set(ids);
    this.give(ids.length);
  }

  private take(bytes: number): void {
    this.memory.take(bytes, this.held);
    this.held += bytes;
  }

  private give(bytes: number): void {
    this.memory.used -= bytes;
    this.held -= bytes;
  }
}

/** Rows of an answer: the array in `data`, or the bare array, because the documents allow both readings. */
function rowsOf(body: string): readonly unknown[] {
  const answer: unknown = JSON.parse(body);
  const rows = (answer as { data?: unknown } | null)?.data ?? answer;
  if (!Array.isArray(rows)) throw new TypeError('the answer holds no list of transfers');
  return rows;
}

type RawRow = { trackingId?: unknown; status?: { state?: unknown } | null; state?: unknown };

/** Raw state of a row: `status.state`, or `state` in the older list; undefined without usable state or id. */
function spellingOf(row: unknown): string | undefined {
  const { trackingId, status, state } = (row ?? {}) as RawRow;
  const spelling = status?.state ?? state;
  return typeof spelling === 'string' && spelling !== '' && isTrackingId(trackingId) ? spelling : undefined;
}
