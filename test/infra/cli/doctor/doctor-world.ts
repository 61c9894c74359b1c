import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { ScriptedApi } from '#test/infra/cli/scripted-api.ts';

/** A check as the doctor prints it. */
export interface Found {
  readonly name: string;
  readonly outcome: string;
  readonly message: string;
  readonly remedy?: string;
}

/** The time that the doctor is told. */
export const now = () => new Date('2026-11-24T12:00:00.000Z');

/** A watch of which everything is well then. */
export const alice = {
  ...{ mailbox: 'alice@example.com', direction: 'sent', isDeclared: true, isDisabled: false, count: 3 },
  baselineAt: '2026-11-24T10:00:00.000Z',
  verification: { method: 'client_id', validUntil: '2026-11-24T20:00:00.000Z' },
};

/** Tables, queues and topics of which everything is well. */
const services = {
  tables: [{ name: 'transfers' }, { name: 'webhooks' }],
  queues: [
    { name: 'WakeUps', waiting: 3, inProgress: 1 },
    { name: 'WakeUpsDeadLetters', waiting: 0, inProgress: 0 },
  ],
  topics: [{ name: 'transfer-events', subscriptions: 1, unconfirmed: 0 }],
};

/** A simulated Cryptshare Server, and an operator API that says what a test has it say. */
export class DoctorWorld {
  readonly api: ScriptedApi;
  readonly server: CryptshareServer;
  readonly folder = mkdtempSync(join(tmpdir(), 'doctor-'));

  private constructor(api: ScriptedApi, server: CryptshareServer) {
    this.api = api;
    this.server = server;
  }

  static start = async (): Promise<DoctorWorld> =>
    new DoctorWorld(await ScriptedApi.start(), await startCryptshareServer({ now }));

  /** Has the operator API say that all is well, but for what is named. */
  wellWith(watches: readonly object[], status: object = {}, differing: object = {}): void {
    this.api.reset();
    this.api.on('GET /status', {
      body: {
        ...{ version: '0.1.0', server: this.server.url, watches: { all: watches.length, failing: 0, disabled: 0 } },
        endpoints: { active: 1, paused: 0, disabled: 0, failing: 0 },
        deliveries: { waiting: { count: 2, more: false }, held: { count: 0, more: false }, oldestOverdueMs: 0 },
        ...status,
      },
    });
    this.api.on('GET /services', { body: { ...services, ...differing } });
    this.api.on('GET /endpoints', { body: { items: [] } });
    this.api.on('GET /watches', { body: { items: watches } });
    this.api.on('GET /mailboxes/alice%40example.com/verification', {
      body: { isVerified: true, methods: ['client_id', 'email'] },
    });
  }

  /** Writes a configuration file. */
  configOf(config: object = {}): string {
    const file = join(this.folder, 'notifier.config.json');
    const usual = { server: { url: this.server.url }, watches: [{ mailbox: alice.mailbox }] };
    writeFileSync(file, JSON.stringify({ ...usual, ...config }));
    return file;
  }

  /** Runs the doctor; `of` are the checks of a name. */
  async doctor(args: readonly string[] = ['--config', this.configOf()], options: RunOptions = {}) {
    const ran = await run(['doctor', '--url', this.api.url, '--json', ...args], { now, ...options });
    const { checks, summary } = JSON.parse(ran.stdout) as { checks: Found[]; summary: object };
    const of = (name: string) =>
      checks.filter((check) => check.name === name).map(({ outcome, message }) => ({ outcome, message }));
    return { ...ran, checks, summary, of };
  }

  async close(): Promise<void> {
    await Promise.all([this.api.close(), this.server.close()]);
    rmSync(this.folder, { recursive: true });
  }
}
