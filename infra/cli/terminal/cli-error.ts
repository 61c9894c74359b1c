/** Exit codes for scripts. */
export const exitCodes = {
  done: 0,
  /** Refused, or failed. */
  refused: 1,
  wrongCommandLine: 2,
  /** The named thing does not exist. */
  notThere: 3,
  /** The operator API is unreachable, or rejects the credentials. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Thrown when a command cannot do its work; tells the value got, the value expected and the remedy. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const refused = (message: string): CliError => new CliError(exitCodes.refused, message);
export const wrongCommandLine = (message: string): CliError => new CliError(exitCodes.wrongCommandLine, message);
export const unreachable = (message: string): CliError => new CliError(exitCodes.unreachable, message);

/** Thrown for a problem that the operator API answers. */
export class ApiError extends CliError {
  readonly status: number;
  /** Kind of the Cryptshare Server's failure, if the server failed. */
  readonly kind: string | undefined;

  constructor(status: number, message: string, kind?: string) {
    super(status === 404 ? exitCodes.notThere : exitCodes.refused, message);
    this.status = status;
    this.kind = kind;
  }
}
