import { LineOutput } from '#infra/local/console/output.ts';
import { exitCodes } from '#infra/local/process/exit-codes.ts';
import { isWithin, stopWithin } from '#infra/local/process/stopping.ts';
import { onStopSignal } from '#infra/terminal/stop-signals.ts';

/** Milliseconds for the last lines to be written. */
const flushWithin = 500;

/** Milliseconds between looks for the npm that started this process. */
const lookIntervalMs = 1000;

/** Output, stop and exit code of this process. It ends at most 8 s after a stop request, even if something hangs. */
export class Daemon {
  readonly output: LineOutput;
  private exitCode: number | undefined;
  private mayEnd: Promise<void> | undefined;
  private stop: () => void;
  private warning: (text: string) => void = () => undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    this.stop = () => this.exit(exitCodes.stopped);
    this.output = new LineOutput(process.stdout, {
      gone: (code) => {
        complain(`the output cannot be written any more (${code}): what read it has gone, and the notifier stops`);
        this.askToStop(exitCodes.outputGone);
      },
      refused: (code) =>
        complain(`the output cannot be written (${code}): the notifier goes on, and leaves lines out until it can`),
      resumed: (leftOut) => this.warning(`${leftOut} lines are missing here: the output did not take them`),
    });
    // Errors of stderr cannot be reported anywhere.
    process.stderr.on('error', () => undefined);
    onStopSignal((mayEnd) => {
      this.mayEnd = mayEnd;
      this.askToStop(exitCodes.stopped);
    });
    this.followNpm(environment);
  }

  /**
   * Sets the callbacks of the started run.
   * @param stop stops it in good order; called once
   * @param warning takes messages about the output
   */
  runs(stop: () => void, warning: (text: string) => void): void {
    this.stop = stop;
    this.warning = warning;
  }

  /** Ends the process; the reason of an earlier stop takes precedence over `stopped`. */
  async exit(code: number): Promise<never> {
    await Promise.all([this.mayEnd, isWithin(flushWithin, this.output.flush())]);
    process.exit(code === exitCodes.stopped ? this.exitCode : code);
  }

  private askToStop(code: number): void {
    if (this.exitCode !== undefined) return;
    this.exitCode = code;
    setTimeout(() => process.exit(code), stopWithin);
    this.stop();
  }

  /** Stops with npm: an npm that was killed, or whose shell was, forwards no signal. */
  private followNpm({ npm_lifecycle_event: script }: NodeJS.ProcessEnv): void {
    if (script === undefined) return;
    const npm = process.ppid;
    const look = setInterval(() => {
      if (process.ppid === npm) return;
      clearInterval(look);
      complain('npm has ended, and the notifier stops');
      this.askToStop(exitCodes.stopped);
    }, lookIntervalMs).unref();
  }
}

const complain = (text: string): void => void process.stderr.write(`${text}\n`);
