/** Bytes of one answer; a page of 100 rows has about 10,000. */
export const maxAnswerBytes = 4 * 1024 * 1024;

/** Bytes of all answers that are under way at the same time. Each stands in memory up to three times while it is read. */
const maxBytesTogether = 16 * 1024 * 1024;

/** Part of the largest answer seen that is still expected after one more answer. */
const fading = 0.9;

/**
 * How many requests may be under way at the same time so that their answers fit in memory, whatever the server sends.
 * Nothing is known of a server at first, so as many as would fit with the largest answers; more of them as its answers
 * turn out to be smaller. Each answer may then have its share of the room.
 */
export class AnswerRoom {
  private expected = maxAnswerBytes;

  /** @param wanted requests under way at the same time, if there is room */
  atOnce(wanted: number): number {
    return Math.min(wanted, Math.floor(maxBytesTogether / this.expected));
  }

  /** Bytes that each answer may have while {@link atOnce} requests of these are under way. */
  share(wanted: number): number {
    return Math.min(maxAnswerBytes, Math.floor(maxBytesTogether / this.atOnce(wanted)));
  }

  /** Takes note of an answer; of one that was larger than its share, nothing is known but the most that it may have. */
  seen(bytes = maxAnswerBytes): void {
    this.expected = Math.max(1, bytes, fading * this.expected);
  }
}
