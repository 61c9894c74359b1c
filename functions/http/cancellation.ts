/** Cancels a request, as an `AbortSignal` does, at a fraction of its cost: each request has one. */
export class Cancellation {
  private listener: (() => void) | undefined;
  private isDone = false;

  get isCancelled(): boolean {
    return this.isDone;
  }

  /** Called once, immediately if already cancelled. */
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
