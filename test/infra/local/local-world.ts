import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { LocalRun, type LocalRunOptions } from './local-run.ts';

export const alice = 'alice@example.com';
export const people = { sender: alice, to: ['bob@example.com'] };

const clientId = 'exampleclientid'.repeat(4);

/** A run with a configuration, where it differs from the usual. */
export interface RealRun extends LocalRunOptions {
  readonly config?: object;
  readonly args?: readonly string[];
  readonly environment?: Record<string, string>;
  /** Lines for people instead of JSON. */
  readonly isCalm?: boolean;
}

/** A simulated Cryptshare Server, and runs in a data folder. */
export class LocalWorld {
  readonly server: CryptshareServer;
  folder = '';
  private readonly running: LocalRun[] = [];

  private constructor(server: CryptshareServer) {
    this.server = server;
    server.verifications.registerClientId(clientId);
  }

  /** Starts the world of a test file. Each test has an empty folder, unless they `share` one; no run outlives its test. */
  static async start({ share = false } = {}): Promise<LocalWorld> {
    const world = new LocalWorld(await startCryptshareServer());
    const begin = () => {
      world.folder = mkdtempSync(join(tmpdir(), 'local-'));
    };
    const end = async () => {
      for (const run of world.running.splice(0)) {
        run.killGroup('SIGKILL');
        run.kill('SIGKILL');
        await run.exit();
      }
      rmSync(world.folder, { recursive: true });
    };
    if (share) begin();
    else
      beforeEach(() => {
        begin();
        return end;
      });
    afterAll(async () => {
      if (share) await end();
      await world.server.close();
    });
    return world;
  }

  /** Path in the folder. */
  path = (...names: string[]): string => join(this.folder, ...names);

  /** Writes a configuration file that polls the server each second. */
  configFile(config: object = {}): string {
    const file = this.path('notifier.config.json');
    const usual = { server: { url: this.server.url }, schedule: { every: '1s' }, watches: [{ mailbox: alice }] };
    writeFileSync(file, JSON.stringify({ ...usual, ...config }));
    return file;
  }

  /** Starts `npm start` with these options. */
  start(args: readonly string[], environment: Record<string, string> = {}, options: LocalRunOptions = {}): LocalRun {
    const run = new LocalRun(args, environment, options);
    this.running.push(run);
    return run;
  }

  /** Starts a run with a configuration and the data folder `data`. */
  startReal({ config, args = [], environment, isCalm = false, ...options }: RealRun = {}): LocalRun {
    const json = isCalm ? [] : ['--json'];
    const usual = [...json, '--config', this.configFile(config), '--data', this.path('data')];
    return this.start([...usual, ...args], { CRYPTSHARE_CLIENT_ID: clientId, ...environment }, options);
  }

  /** Address and token of the operator API, as a run writes them. */
  operator(): { readonly url: string; readonly token: string } {
    return JSON.parse(readFileSync(this.path('data', 'operator.json'), 'utf8'));
  }
}
