import { AsyncLocalStorage } from 'node:async_hooks';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { PublishBatchRequestEntry, SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';

/**
 * What goes wrong at one call to AWS.
 * `refused`: the service does nothing and says so. `lost`: it does what was asked, but the answer is lost.
 * `crash before` / `crash after`: the process dies there, and nothing it does later has any effect.
 * `partial`: of a batch, every other entry is refused although the answer is 200.
 * `late`: it fails here, but takes effect when `deliverLate` is called.
 * `pause`: the call waits until the plan is resumed.
 */
export type FaultKind = 'refused' | 'lost' | 'crash before' | 'crash after' | 'partial' | 'late' | 'pause';

/** A fault at the call with this number, counted from 0, or at every call of this command. */
export type PlannedFault = readonly [call: number | string, kind: FaultKind];

/** Thrown at every call of a process that has crashed. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** What goes wrong in one run. */
export class FaultPlan {
  /** Commands sent so far. */
  readonly calls: string[] = [];
  private readonly faults: ReadonlyMap<number | string, FaultKind>;
  private readonly paused = Promise.withResolvers<void>();
  private readonly resumed = Promise.withResolvers<void>();
  private isDead = false;
  private late: (() => Promise<unknown>) | undefined;

  constructor(faults: Iterable<PlannedFault> = []) {
    this.faults = new Map(faults);
  }

  /** Resolves when the run has reached its pause. */
  get reachedPause(): Promise<void> {
    return this.paused.promise;
  }

  resume(): void {
    this.resumed.resolve();
  }

  /** Lets the process die now. */
  kill(): void {
    this.isDead = true;
  }

  async call<T>(command: string, send: () => Promise<T>): Promise<T> {
    const kind = this.next(command);
    this.calls.push(command);
    if (kind === 'crash before') this.isDead = true;
    if (this.isDead) throw new Crash('the process is dead');
    if (kind === 'refused') throw new Error('injected: the service is not available');
    if (kind === 'late') {
      this.late = send;
      throw new Error('injected: no answer, but it is on its way');
    }
    if (kind === 'pause') {
      this.paused.resolve();
      await this.resumed.promise;
    }
    const answer = await send();
    if (kind === 'crash after') this.isDead = true;
    // Whatever answer a dead process was waiting for never reaches it.
    if (this.isDead) throw new Crash('the process is dead');
    if (kind === 'lost') throw new Error('injected: the answer is lost');
    return answer;
  }

  /** Lets the call that failed here take effect there. */
  async deliverLate(): Promise<void> {
    await this.late?.();
  }

  /** What is to happen to the next call. */
  next(command: string): FaultKind | undefined {
    return this.faults.get(this.calls.length) ?? this.faults.get(command);
  }
}

/** Lets the calls of a run go wrong, beneath its own code and above the network. */
export class AwsFaults {
  private readonly current = new AsyncLocalStorage<FaultPlan>();

  constructor(dynamo: DynamoDBClient, sns: SNSClient, sqs?: SQSClient) {
    dynamo.middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) => {
          const plan = this.current.getStore();
          return plan ? plan.call(commandName, () => next(args)) : next(args);
        },
      { step: 'initialize', name: 'faults' },
    );
    sqs?.middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) => {
          const plan = this.current.getStore();
          return plan ? plan.call(commandName, () => next(args)) : next(args);
        },
      { step: 'initialize', name: 'faults' },
    );
    sns.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          const plan = this.current.getStore();
          if (!plan) return next(args);
          if (commandName !== 'PublishBatchCommand' || plan.next(commandName) !== 'partial')
            return plan.call(commandName, () => next(args));
          const input = args.input as { PublishBatchRequestEntries: PublishBatchRequestEntry[] };
          const entries = input.PublishBatchRequestEntries;
          const taken = entries.filter((_, at) => at % 2 === 1);
          const Failed = entries
            .filter((_, at) => at % 2 === 0)
            .map(({ Id }) => ({ Id, SenderFault: false, Code: 'InternalError' }));
          return plan.call(commandName, async () => {
            if (taken.length === 0) return { response: {}, output: { $metadata: {}, Successful: [], Failed } };
            const result = await next({ ...args, input: { ...input, PublishBatchRequestEntries: taken } });
            return { ...result, output: { ...result.output, Failed } };
          });
        },
      { step: 'initialize', name: 'faults' },
    );
  }

  /** Runs a task whose calls go wrong as planned. */
  run<T>(plan: FaultPlan, task: () => Promise<T>): Promise<T> {
    return this.current.run(plan, task);
  }
}
