import { LineOutput } from '#infra/local/console/output.ts';
import { exitCodes } from '#infra/local/process/exit-codes.ts';
import { isWithin, stopWithin } from '#infra/local/process/stopping.ts';
import { onStopSignal } from '#infra/terminal/stop-signals.ts';

/** Milliseconds that the last lines may take to be read. */
const flushWithin = 500;

/** Milliseconds between two looks whether npm is still there. */
const lookInterval = 1000;

/**
 * This process between its start and its end: what it prints, what has it stop, and with which exit code. Told to stop, it
 * has ended 8 s later, whatever hangs.
 */
export class Daemon {
  readonly output: LineOutput;
  private exitCode: number | undefined;
  private mayEnd: Promise<void> | undefined;
  private stop: () => void;
  private warning: (text: string) => void = () => undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    // Until something runs there is nothing to wait for.
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
    // What cannot be said there can be said nowhere.
    process.stderr.on('error', () => undefined);
    onStopSignal((mayEnd) => {
      this.mayEnd = mayEnd;
      this.askToStop(exitCodes.stopped);
    });
    this.followNpm(environment);
  }

  /**
   * Has the process stop in good order from now on.
   *
   * @param stop called once
   * @param warning takes what there is to say of the output
   */
  runs(stop: () => void, warning: (text: string) => void): void {
    this.stop = stop;
    this.warning = warning;
  }

  /** Ends the process, with this code unless there was another reason to stop. */
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

  /** An npm that was killed, or whose shell was, hands on no signal. */
  private followNpm({ npm_lifecycle_event: script }: NodeJS.ProcessEnv): void {
    if (script === undefined) return;
    const npm = process.ppid;
    const look = setInterval(() => {
      if (process.ppid === npm) return;
      clearInterval(look);
      complain('npm has ended, and the notifier stops');
      this.askToStop(exitCodes.stopped);
    }, lookInterval);
    look.unref();
  }
}

const complain = (text: string): void => void process.stderr.write(`${text}\n`);
