import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, onTestFinished } from 'vitest';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { type RunOptions, run } from '#test/infra/cli/run-cli.ts';
import { type ScriptedAnswer, ScriptedApi } from '#test/infra/cli/scripted-api.ts';

/** A check as the doctor prints it. */
export interface Found {
  readonly name: string;
  readonly outcome: string;
  readonly message: string;
  readonly remedy?: string;
}

/** Answers of the operator API, where they differ from those of a healthy notifier. */
export interface Answers {
  readonly watches?: readonly object[];
  readonly status?: object;
  readonly services?: object;
  readonly endpoints?: readonly object[];
}

/** The doctor's clock. */
export const now = () => new Date('2026-11-24T12:00:00.000Z');

/** A healthy watch. */
export const alice = {
  ...{ mailbox: 'alice@example.com', direction: 'sent', isDeclared: true, isDisabled: false, count: 3 },
  baselineAt: '2026-11-24T10:00:00.000Z',
  verification: { method: 'client_id', validUntil: '2026-11-24T20:00:00.000Z' },
};

/** Address of a server where nothing listens. */
export const nowhere = 'https://127.0.0.1:9';

const healthyServices = {
  tables: [{ name: 'transfers' }, { name: 'webhooks' }],
  queues: [
    { name: 'WakeUps', waiting: 3, inProgress: 1 },
    { name: 'WakeUpsDeadLetters', waiting: 0, inProgress: 0 },
  ],
  topics: [{ name: 'transfer-events', subscriptions: 1, unconfirmed: 0 }],
};

/** A simulated Cryptshare Server, and an operator API that answers as a test says. */
export class DoctorWorld {
  readonly api: ScriptedApi;
  readonly server: CryptshareServer;
  readonly folder = mkdtempSync(join(tmpdir(), 'doctor-'));

  private constructor(api: ScriptedApi, server: CryptshareServer) {
    this.api = api;
    this.server = server;
  }

  /** Starts the world of a test file: healthy before each test, and closed after the last. */
  static async start(): Promise<DoctorWorld> {
    const world = new DoctorWorld(await ScriptedApi.start(), await startCryptshareServer({ now }));
    beforeEach(() => world.isWell());
    afterAll(() => world.close());
    return world;
  }

  /** Has the operator API answer that all is well, except for what is given. */
  isWell({ watches = [alice], status = {}, services = {}, endpoints = [] }: Answers = {}): void {
    this.api.reset();
    this.api.on('GET /status', {
      body: {
        ...{ version: '0.1.0', server: this.server.url, watches: { all: watches.length, failing: 0, disabled: 0 } },
        endpoints: { active: 1, paused: 0, disabled: 0, failing: 0 },
        deliveries: { waiting: { count: 2, more: false }, held: { count: 0, more: false }, oldestOverdueMs: 0 },
        ...status,
      },
    });
    this.api.on('GET /services', { body: { ...healthyServices, ...services } });
    this.api.on('GET /endpoints', { body: { items: endpoints } });
    this.api.on('GET /watches', { body: { items: watches } });
    this.verification(alice.mailbox, { body: { isVerified: true, methods: ['client_id', 'email'] } });
  }

  /** Sets what the operator API answers about the verification of a mailbox. */
  verification(mailbox: string, answer: ScriptedAnswer): void {
    this.api.on(`GET /mailboxes/${encodeURIComponent(mailbox)}/verification`, answer);
  }

  /** Starts a server that answers the request for its API versions like this, until the test has finished. */
  async otherServer(answer: ScriptedAnswer): Promise<string> {
    const other = await ScriptedApi.start('other');
    onTestFinished(() => other.close());
    other.on('GET /api/status', answer);
    return other.url;
  }

  /** Writes a configuration file. */
  configOf(config: object = {}): string {
    const file = join(this.folder, 'notifier.config.json');
    const usual = { server: { url: this.server.url }, watches: [{ mailbox: alice.mailbox }] };
    writeFileSync(file, JSON.stringify({ ...usual, ...config }));
    return file;
  }

  /** Runs the doctor; `of` finds the checks of a name. */
  async doctor(config: object = {}, options: RunOptions = {}, args = ['--config', this.configOf(config)]) {
    const ran = await run(['doctor', '--url', this.api.url, '--json', ...args], { now, ...options });
    const { checks, summary } = JSON.parse(ran.stdout) as { checks: Found[]; summary: object };
    const of = (name: string) => checks.filter((check) => check.name === name);
    return { ...ran, checks, summary, of };
  }

  /** Runs the doctor with a configuration that names this server. */
  doctorOf = (url: string, server: object = {}, options?: RunOptions) =>
    this.doctor({ server: { url, ...server } }, options);

  private async close(): Promise<void> {
    await Promise.all([this.api.close(), this.server.close()]);
    rmSync(this.folder, { recursive: true });
  }
}
