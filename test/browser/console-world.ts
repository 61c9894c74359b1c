import { afterAll } from 'vitest';
import type { LocalRun } from '#test/infra/local/local-run.ts';
import { LocalWorld, type RealRun } from '#test/infra/local/local-world.ts';
import { type Receiver, startReceiver } from './receiver.ts';

/** A console as a process of its own. */
export interface ConsoleProcess {
  readonly process: LocalRun;
  /** Address that it has printed, with the token that lets a browser in. */
  readonly firstAddress: string;
  readonly url: string;
}

/** A simulated Cryptshare Server, a local run in a data folder, receivers of its webhooks, and its console. */
export class ConsoleWorld {
  readonly local: LocalWorld;
  readonly receiver: Receiver;

  private constructor(local: LocalWorld, receiver: Receiver) {
    this.local = local;
    this.receiver = receiver;
  }

  /** Starts the world of a test file, without a run and a console yet. */
  static async start(): Promise<ConsoleWorld> {
    const receiver = await startReceiver();
    afterAll(() => receiver.close());
    return new ConsoleWorld(await LocalWorld.start({ share: true }), receiver);
  }

  get server(): LocalWorld['server'] {
    return this.local.server;
  }

  /** Runs the notifier, and waits until it is ready. */
  async run({ args = [], ...options }: RealRun = {}): Promise<LocalRun> {
    const run = this.local.startReal({ ...options, args: ['--allow-private-webhooks', ...args] });
    await run.line(({ kind }) => kind === 'ready');
    return run;
  }

  /** Starts a console of that run, by default one that may change things. */
  async console(args: readonly string[] = ['--allow-changes']): Promise<ConsoleProcess> {
    const process = this.startConsole(args);
    const line = await process.line(({ text = '' }) => text.includes('?token='));
    const firstAddress = /http:\S+/.exec(line.text!)![0];
    return { process, firstAddress, url: new URL(firstAddress).origin };
  }

  /** Starts a console that may fail to start. */
  startConsole(args: readonly string[]): LocalRun {
    const given = ['console', '--data', this.local.path('data'), '--no-open', ...args];
    return this.local.start(given, {}, { program: [process.execPath, 'infra/cli/main.ts'] });
  }
}
