/** Has a request given up: what an `AbortSignal` does, at a fraction of its cost, for each request has one. */
export class Cancellation {
  private listener: (() => void) | undefined;
  private isDone = false;

  get isCancelled(): boolean {
    return this.isDone;
  }

  /** Is told once, at once if it has been cancelled. */
  set onCancel(listener: () => void) {
    this.listener = listener;
    if (this.isDone) listener();
  }

  cancel(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.listener?.();
  }
}
