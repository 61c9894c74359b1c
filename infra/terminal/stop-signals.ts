import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds within which signals count as one: npm hands on to a command what the terminal has sent to both. */
const oneSignal = 300;

/**
 * Calls `stop` at the first signal that asks the process to end: Ctrl-C, a supervisor, a terminal that is closed. A second
 * one ends the process at once, with 128 and the number of the signal as its exit code, as shells do.
 *
 * @param stop is given when the process may end, which it does not by itself before: a repetition of the signal that meets
 * a process on its way out would decide its exit code
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
