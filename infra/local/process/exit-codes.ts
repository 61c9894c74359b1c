/** How the local run ends, for supervisors; a second signal ends it with 128 and the number of the signal. */
export const exitCodes = {
  /** As it was told to, by SIGINT, SIGTERM or SIGHUP. */
  stopped: 0,
  /** Something broke. */
  broken: 1,
  /** Wrong options or configuration: nothing was started. */
  wrongStart: 2,
  /** Whatever read its output has gone; what shells tell of a program that SIGPIPE has ended. */
  outputGone: 141,
} as const;
