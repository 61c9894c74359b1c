import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds within which signals count as one: npm forwards what the terminal has already sent to both. */
const oneSignal = 300;

/**
 * Calls `stop` at the first signal to end: Ctrl-C, a supervisor or a closed terminal. A second signal ends the process
 * at once with exit code 128 plus the signal's number, as shells do.
 *
 * @param stop gets a promise to await before exit, otherwise a repeated signal would decide the exit code
 */
export function onStopSignal(stop: (mayEnd: Promise<void>) => void): void {
  let first: number | undefined;
  for (const signal of stopSignals) {
    process.on(signal, () => {
      const now = performance.now();
      if (first === undefined) {
        first = now;
        stop(sleep(oneSignal));
      } else if (now - first > oneSignal) process.exit(128 + constants.signals[signal]);
    });
  }
}
