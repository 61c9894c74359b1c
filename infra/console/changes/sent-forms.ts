/** Sending of a form: its result, or that the same form was sent before. */
export type Sending<Result> = { readonly isFirst: true; readonly result: Result } | { readonly isFirst: false };

/**
 * Remembers which forms were sent, so that none changes anything twice. Sent again while the first is at work, as by a
 * double click, a form shares its result.
 */
export class SentForms<Result> {
  private readonly atWork = new Map<string, Promise<Result>>();
  private readonly sent = new Set<string>();

  /** @param key a secret of one form, as it was shown */
  async send(key: string, act: () => Promise<Result>): Promise<Sending<Result>> {
    const other = this.atWork.get(key);
    if (other) return { isFirst: true, result: await other };
    if (this.sent.has(key)) return { isFirst: false };
    this.sent.add(key);
    const result = act();
    this.atWork.set(key, result);
    try {
      return { isFirst: true, result: await result };
    } finally {
      this.atWork.delete(key);
    }
  }
}
