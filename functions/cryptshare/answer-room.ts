/** Largest answer in bytes; a page of 100 rows has about 10,000. */
export const maxAnswerBytes = 4 * 1024 * 1024;

/** Bytes of all answers in flight together. Each is in memory up to three times: 48 of the function's 256 MB. */
const maxBytesTogether = 16 * 1024 * 1024;

/** Part of the largest answer still expected after a further one, so that one large page is soon forgotten. */
const fading = 0.9;

/** Limits requests in flight so that their answers fit in memory: few at first, more as answers prove smaller. */
export class AnswerRoom {
  private expected = maxAnswerBytes;

  /** @param wanted requests in flight, if there is room */
  atOnce(wanted: number): number {
    return Math.min(wanted, Math.floor(maxBytesTogether / this.expected));
  }

  /** Bytes that each answer may have while {@link atOnce} requests are in flight. */
  share(wanted: number): number {
    return Math.min(maxAnswerBytes, Math.floor(maxBytesTogether / this.atOnce(wanted)));
  }

  /** Records the size of an answer. The default is for an answer beyond its share, of unknown size. */
  seen(bytes = maxAnswerBytes): void {
    this.expected = Math.max(1, bytes, fading * this.expected);
  }
}
