import { AsyncLocalStorage } from 'node:async_hooks';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';

/**
 * A fault at one call to AWS.
 * `refused`: the service does nothing and says so. `lost`: it does its work, but the answer is lost.
 * `crash before` / `crash after`: the process dies there, and nothing it does later has any effect.
 * `partial`: of a batch, every other entry is refused although the answer is 200.
 * `late`: it fails here, but takes effect when `deliverLate` is called.
 * `pause`: the call waits until the plan is resumed.
 */
export type FaultKind = 'refused' | 'lost' | 'crash before' | 'crash after' | 'partial' | 'late' | 'pause';

/** Kinds to try at each call of a task. A crash before a call is one after the call before it. */
export const faultKinds = ['refused', 'lost', 'crash after'] as const;

/** A fault at the call with this number, counted from 0, or at every call of this command. */
export type PlannedFault = readonly [call: number | string, kind: FaultKind];

/** Whether searches try every fault at every call, as `npm run test:long` does. */
const isThorough = process.env.EVERY_CALL === '1';

/**
 * Faults with which a search hits each call of a task: by default one kind at each, the kinds taking turns.
 *
 * @param first number of the kind at the first call; similar searches begin with different ones
 */
export const faultsAt = <const Kind>(calls: number, kinds: readonly Kind[], first = 0) =>
  Array.from({ length: calls }, (_, call) => {
    const here = isThorough ? kinds : [kinds[(call + first) % kinds.length]!];
    return here.map((kind) => ({ call, kind }));
  }).flat();

/**
 * The same for a search whose rounds take long: by default at every second or third call.
 *
 * @param first number of the first call that is hit; similar searches begin with different ones
 */
export const someFaultsAt = <Kind extends FaultKind>(
  calls: number,
  kinds: readonly Kind[],
  every: 2 | 3,
  first: 0 | 1 = 0,
) =>
  isThorough
    ? faultsAt(calls, kinds)
    : faultsAt(Math.ceil((calls - first) / every), kinds).map(({ call, kind }) => ({
        call: first + every * call,
        kind,
      }));

/** Thrown at every call of a process that has crashed. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** The faults of one run. */
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

  /** The fault of the next call. */
  next(command: string): FaultKind | undefined {
    return this.faults.get(this.calls.length) ?? this.faults.get(command);
  }
}

/** A fault at one of the calls of a command, counted from 1. */
export class NthFault extends FaultPlan {
  private readonly fault: readonly [command: string, nth: number, kind: FaultKind];

  constructor(...fault: readonly [command: string, nth: number, kind: FaultKind]) {
    super();
    this.fault = fault;
  }

  override next(command: string): FaultKind | undefined {
    const [wanted, nth, kind] = this.fault;
    const before = this.calls.filter((one) => one === wanted).length;
    return command === wanted && before === nth - 1 ? kind : undefined;
  }
}

/** Commands of which a service may refuse single entries, and the name of the list that holds them. */
const batches: ReadonlyMap<string, string> = new Map([
  ['PublishBatchCommand', 'PublishBatchRequestEntries'],
  ['SendMessageBatchCommand', 'Entries'],
]);

/** Lets the calls of a run go wrong, beneath its own code and above the network. */
export class AwsFaults {
  private readonly current = new AsyncLocalStorage<FaultPlan>();

  constructor(...clients: readonly (DynamoDBClient | SNSClient | SQSClient)[]) {
    for (const { middlewareStack } of clients as readonly DynamoDBClient[]) {
      middlewareStack.add(
        (next, { commandName }) =>
          (args) =>
            this.call(commandName, args, next),
        {
          step: 'initialize',
          name: 'faults',
        },
      );
    }
  }

  private async call<Arguments extends { input: object }, Result extends { output: object }>(
    command = '',
    args: Arguments,
    next: (args: Arguments) => Promise<Result>,
  ): Promise<Result> {
    const plan = this.current.getStore();
    if (!plan) return next(args);
    const list = batches.get(command);
    if (!list || plan.next(command) !== 'partial') return plan.call(command, () => next(args));
    const entries = (args.input as Record<string, { readonly Id: string }[]>)[list]!;
    const taken = entries.filter((_, index) => index % 2 === 1);
    const Failed = entries
      .filter((_, index) => index % 2 === 0)
      .map(({ Id }) => ({ Id, SenderFault: false, Code: 'InternalError' }));
    return plan.call(command, async () => {
      const nothing = { response: {}, output: { $metadata: {}, Successful: [] } } as unknown as Result;
      const result = taken.length === 0 ? nothing : await next({ ...args, input: { ...args.input, [list]: taken } });
      return { ...result, output: { ...result.output, Failed } };
    });
  }

  /** Runs a task whose calls go wrong as planned. */
  run<T>(plan: FaultPlan, task: () => Promise<T>): Promise<T> {
    return this.current.run(plan, task);
  }
}
