import type { DynamoDBClient, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { eventBody, type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { operatorHandler } from '#functions/operator/routes.ts';
import { indexes } from '#functions/webhooks/deliveries/delivery.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  type AnswerBody,
  eventOf,
  type OperatorWorld,
  openApiText,
  startOperatorWorld,
} from '#test/support/operator-world.ts';

/** What a fan-out of one message meets. */
export interface Storing {
  /** Milliseconds from the event's time to the storing; negative for an event of the future. */
  readonly age: number;
  readonly mailbox: string;
  /** Numbers of the endpoints that want it. */
  readonly wanting: readonly number[];
  /** Number of the write after which the process dies. */
  readonly crash?: number;
  /** Milliseconds by which each write takes effect later, and by which the index then lags at two of its replicas. */
  readonly stall: number;
  readonly lags: readonly [number, number];
  /** Milliseconds by which the clock of the storing machine is ahead. */
  readonly skew: number;
}

const server = 'https://cryptshare.example.com';

/** Storing and pulling of events, with an index whose entries come into sight late and differ by replica. */
export async function startPullWorld() {
  const world = await startOperatorWorld();
  for (const name of ['archive', 'crm'])
    await world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name) } });
  const endpoints = await world.deps.endpoints.list();
  const { clock } = world;
  /** Instants at which an entry is in sight, at each replica. */
  const inSight = new Map<string, readonly number[]>();
  let replica = 0;
  let queries = 0;

  const lagging = world.through(async (command, input, next) => {
    const { IndexName, TableName } = input as QueryCommandInput;
    const result = (await next()) as { output: { Items?: { pk: { S: string }; sk: { S: string } }[] } };
    if (command !== 'QueryCommand' || IndexName !== indexes.byDay.name || !TableName) return result;
    queries += 1;
    const seen = ({ pk, sk }: { pk: { S: string }; sk: { S: string } }) =>
      (inSight.get(`${pk.S} ${sk.S}`)?.[replica] ?? 0) <= clock.steady();
    return { ...result, output: { ...result.output, Items: result.output.Items?.filter(seen) } } as never;
  });
  let skew = 0;
  const reading = {
    ...world.operatorDeps,
    webhooks: { ...world.deps, now: () => new Date(clock.now().getTime() + skew) },
    tables: {
      ...world.operatorDeps.tables,
      webhooks: { dynamo: lagging.dynamo as DynamoDBClient, table: lagging.table },
    },
  };
  const handler = operatorHandler(async () => reading, openApiText, { info() {}, error() {} });

  return {
    ...world,
    queries: () => queries,
    /** An event about a transfer that is stored `age` ms after it. */
    eventOfAge(trackingId: string, { age, mailbox }: Pick<Storing, 'age' | 'mailbox'>): TransferEvent {
      const at = new Date(clock.now().getTime() - age).toISOString();
      const change = { trackingId, state: 'FAILED', previousState: 'ACTIVE', sequence: 1 };
      return transferEvent(server, { mailbox, direction: 'sent' }, change, at);
    },
    /** Stores an event as one run of fan-out does; false when it died. */
    async store(event: TransferEvent, { wanting, crash, stall, lags, skew: ahead }: Storing): Promise<boolean> {
      const plan = new FaultPlan();
      let writes = 0;
      const process = world.through(async (command, input, next) => {
        if (command !== 'PutItemCommand') return next();
        clock.advance(stall);
        const { pk, sk } = (input as { Item: { pk: { S: string }; sk: { S: string } } }).Item;
        const result = await plan.call(command, next);
        inSight.set(
          `${pk.S} ${sk.S}`,
          lags.map((lag) => clock.steady() + lag),
        );
        writes += 1;
        if (writes === crash) plan.kill();
        return result;
      });
      const part = {
        endpoints: wanting.map((number): Endpoint => endpoints[number]!),
        next: undefined,
        fault: undefined,
      };
      const deps = {
        ...process,
        now: () => new Date(clock.now().getTime() + ahead),
        endpoints: Object.assign(process.endpoints, { after: async () => part }),
      };
      const { unhandled } = await fanOut(deps, [{ body: eventBody(event) }]);
      return unhandled.length === 0;
    },
    /** Pulls one page, by the clock of a machine that is ahead by `ahead` ms, from one of two replicas. */
    async pull(query: Record<string, string>, ahead = 0, from = 0): Promise<AnswerBody> {
      [skew, replica] = [ahead, from];
      const answer = await handler(eventOf('GET', '/events', query), lambdaContext('operator', 120_000));
      if (answer.statusCode !== 200) throw new Error(`the pull is answered by ${answer.statusCode}: ${answer.body}`);
      return JSON.parse(answer.body!);
    },
  };
}

export type PullWorld = Awaited<ReturnType<typeof startPullWorld>> & OperatorWorld;
