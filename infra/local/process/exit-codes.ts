/** Exit codes of the local run, for supervisors; a second signal ends it with 128 plus the signal's number. */
export const exitCodes = {
  stopped: 0,
  broken: 1,
  /** Wrong options or configuration: nothing was started. */
  wrongStart: 2,
  /** Reader of the output has gone; shells show this code for SIGPIPE. */
  outputGone: 141,
} as const;
