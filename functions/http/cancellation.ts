/** Cancels a request, as an `AbortSignal` does, at a fraction of its cost: each request has one. */
export class Cancellation {
  isCancelled = false;
  private listener: (() => void) | undefined;

  /** Called once, immediately if already cancelled. */
  set onCancel(listener: () => void) {
    this.listener = listener;
    if (this.isCancelled) listener();
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.listener?.();
  }
}
