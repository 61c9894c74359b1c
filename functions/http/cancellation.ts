/** Cancels a request, as an `AbortSignal` does, at a fraction of its cost: each request has one. */
export class Cancellation {
  private hasBeenCancelled = false;
  private listener: (() => void) | undefined;

  get isCancelled(): boolean {
    return this.hasBeenCancelled;
  }

  /** Called once, immediately if already cancelled. */
  set onCancel(listener: () => void) {
    this.listener = listener;
    if (this.isCancelled) listener();
  }

  cancel(): void {
    if (this.hasBeenCancelled) return;
    this.hasBeenCancelled = true;
    this.listener?.();
  }
}
