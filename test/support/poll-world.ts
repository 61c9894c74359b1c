import { randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ServerCalls, type ServerOptions } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import type { TokenSource } from '#functions/cryptshare/tokens.ts';
import type { TransferEvent, WatchEvent } from '#functions/events/transfer-event.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { type PollDependencies, pollRepositories } from '#functions/poll/dependencies.ts';
import type { PollTerms } from '#functions/poll/list-watch.ts';
import type { PollResult } from '#functions/poll/poll-result.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { createTopic, createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { subscribedQueue, takeMessages } from '#infra/local/services/subscribed-queue.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { assertValidEvent } from '#test/docs/event-schemas.ts';
import { startAws } from './aws.ts';
import { AwsFaults } from './aws-faults.ts';

/** A clock that tests move: forward as time passes, or to another time as an operator may set it. */
export class TestClock {
  private time = Date.parse('2026-11-24T00:00:00Z');
  private setBy = 0;
  readonly now = (): Date => new Date(this.time + this.setBy);
  /** What has passed, whatever the clock was set to. */
  readonly steady = (): number => this.time;
  advance(milliseconds: number): void {
    this.time += milliseconds;
  }
  /** Sets the clock forward, or back; no time passes. */
  set(milliseconds: number): void {
    this.setBy += milliseconds;
  }
}

export const clientId = 'exampleclientid'.repeat(4);
export const token = 'example-token-1';

/** Tokens that are there without a verification. */
export const given = (text: string): TokenSource => ({
  tokenFor: async () => text,
  accepted: () => {},
  reject: async (_, { failure }) => failure,
});
export const table = 'transfers';

/** A process's calls to a server, whose pauses only move the clock of the test. */
export const serverCalls = (origin: string, clock: TestClock, options: Partial<ServerOptions> = {}): ServerCalls =>
  new ServerCalls({
    origin,
    clientId,
    maxConcurrentPages: 4,
    now: clock.now,
    steady: clock.steady,
    random: () => 0.5,
    sleep: async (milliseconds) => clock.advance(milliseconds),
    ...options,
  });

/** Milliseconds that a poll may take in these tests. */
export const pollBudget = 50_000;

/** Dependencies of polls, with the table that their repositories use. */
export interface WorldDependencies extends PollDependencies {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
}

/** Embedded services, a simulated server and a poll between them, over real HTTP. */
export interface World {
  readonly clock: TestClock;
  readonly cryptshare: CryptshareServer;
  readonly faults: AwsFaults;
  readonly deps: WorldDependencies;
  /** The same dependencies on another table. */
  depsOn(table: string): WorldDependencies;
  /** Variables by which another process finds the services. */
  readonly sdkEnvironment: Readonly<Record<string, string>>;
  /** Builds another client for the same server, as another process would have it. */
  client(options?: Partial<ServerOptions>, kind?: typeof CryptshareClient): CryptshareClient;
  /** Has something happen before a page is answered, instead of what was to happen before. */
  setDrift(callback: (page: number) => void | Promise<void>): void;
  /** Makes the token hold for a mailbox and returns the watch. */
  watch(mailbox: string, direction?: Watch['direction']): Watch;
  poll(watch: RegisteredWatch, terms?: Partial<PollTerms>): Promise<PollResult>;
  /** Those of a full listing that begins now, and of whatever else is wanted. */
  terms(wanted?: Partial<PollTerms>): PollTerms;
  /** Takes what was published since the last call. */
  takeEvents(): Promise<{ body: string; event: TransferEvent | WatchEvent; attributes: Record<string, string> }[]>;
  close(): Promise<void>;
}

const dataKey = new DataKey(randomBytes(32).toString('base64'));

/** Starts a world of its own. */
export async function startWorld(): Promise<World> {
  const clock = new TestClock();
  const aws = await startAws();
  const { dynamo, sns, sqs } = aws;
  // Setting the clock here does not set the server's.
  const cryptshare = await startCryptshareServer({ now: () => new Date(clock.steady()) });
  await createTransfersTable(dynamo, table);
  const eventsTopicArn = await createTopic(sns, 'transfer-events');
  const eventsQueue = await subscribedQueue(sns, sqs, eventsTopicArn);
  const faults = new AwsFaults(dynamo, sns);

  let drift: (page: number) => void | Promise<void> = () => {};
  cryptshare.pageListeners.add(({ page }) => drift(page));
  const client = (options: Partial<ServerOptions> = {}, Kind = CryptshareClient) => {
    const calls = serverCalls(cryptshare.url, clock, options);
    return new Kind(calls, given(token));
  };
  const on = (name: string) => ({ dynamo, table: name, ...pollRepositories({ dynamo, table: name }, 4) });
  const deps: WorldDependencies = {
    ...on(table),
    server: client(),
    tokens: { cachedVerification: () => undefined, forgive: () => {} },
    origin: cryptshare.url,
    topic: { sns, eventsTopicArn, sleep: async () => {} },
    recipientKey: (...text) => dataKey.hashOf(...text),
    schedule: { shards: 1, pollIntervalMs: 60_000, fullListingEvery: 1 },
    now: clock.now,
    steady: clock.steady,
  };

  const terms = (wanted: Partial<PollTerms> = {}): PollTerms => ({
    scope: 'all',
    deadline: clock.steady() + pollBudget,
    ...wanted,
  });

  return {
    clock,
    sdkEnvironment: aws.environment,
    cryptshare,
    faults,
    deps,
    depsOn: (name) => ({ ...deps, ...on(name) }),
    client,
    setDrift(callback) {
      drift = callback;
    },
    watch(mailbox, direction = 'sent') {
      cryptshare.verifications.grantToken({ mailbox, clientId }, token);
      return { mailbox, direction };
    },
    poll: (watch, wanted) => pollWatch(deps, watch, terms(wanted)),
    terms,
    async takeEvents() {
      const messages = await takeMessages(sqs, eventsQueue);
      return messages.map(({ Body = '', MessageAttributes = {} }) => ({
        body: Body,
        event: validEvent(Body),
        attributes: Object.fromEntries(
          Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [name, StringValue]),
        ),
      }));
    },
    async close() {
      deps.server.calls.close();
      await cryptshare.close();
      await aws.close();
    },
  };
}

/** Every event that any test sees must be as documented. */
function validEvent(body: string): TransferEvent | WatchEvent {
  const event: unknown = JSON.parse(body);
  assertValidEvent(event);
  return event as TransferEvent | WatchEvent;
}
