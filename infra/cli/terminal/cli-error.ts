/** How a command ends, for scripts. */
export const exitCodes = {
  done: 0,
  /** Refused, or failed. */
  refused: 1,
  wrongCommandLine: 2,
  /** Nothing like that is there. */
  notThere: 3,
  /** The operator API is not reached, or does not know who asks. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Thrown for what keeps a command from its work; says what was got, what was expected and how to mend it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Thrown for an answer of the operator API that tells of a problem. */
export class ApiError extends CliError {
  /** HTTP status. */
  readonly status: number;
  /** Kind of the Cryptshare Server's failure, when it was the server that failed. */
  readonly kind: string | undefined;

  constructor(status: number, message: string, kind?: string) {
    super(status === 404 ? exitCodes.notThere : exitCodes.refused, message);
    this.status = status;
    this.kind = kind;
  }
}
