import { constants } from 'node:os';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal that asks a process to end: Ctrl-C, a supervisor, a terminal that is closed. */
export type StopSignal = (typeof stopSignals)[number];

/** Milliseconds within which signals count as one: npm hands on to a command what the terminal has sent to both. */
const oneSignal = 500;

/**
 * Calls `stop` at the first signal; a second one ends the process at once, with 128 and the number of the signal as its
 * exit code, as shells do.
 */
export function onStopSignal(stop: (signal: StopSignal) => void): void {
  let first: number | undefined;
  for (const signal of stopSignals) {
    process.on(signal, () => {
      const now = performance.now();
      if (first === undefined) {
        first = now;
        stop(signal);
      } else if (now - first > oneSignal) process.exit(128 + constants.signals[signal]);
    });
  }
}
