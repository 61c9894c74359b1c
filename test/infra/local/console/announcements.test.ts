import { PublishBatchCommand, type SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import { passOnAnnouncements } from '#infra/local/console/announcements.ts';
import type { Part } from '#infra/local/process/stopping.ts';
import { createTopic, createTransfersTable, type LocalAws } from '#infra/local/services/embedded-services.ts';
import { startAws, type TestAws } from '#test/support/aws.ts';

const table = 'transfers';
const at = new Date('2026-01-01T00:00:00Z');
let aws: TestAws;
let source: LocalAws;
let worlds = 0;
const passedOn: string[] = [];
const running: Part[] = [];

beforeAll(async () => {
  aws = await startAws();
  await createTransfersTable(aws.dynamo, table);
});
afterAll(() => aws.close());
beforeEach(async () => {
  worlds += 1;
  passedOn.length = 0;
  source = {
    ...aws,
    transfersTable: table,
    eventsTopicArn: await createTopic(aws.sns, `events-${worlds}`),
    noticesTopicArn: await createTopic(aws.sns, `notices-${worlds}`),
    snsUrl: aws.environment.AWS_ENDPOINT_URL_SNS!,
  };
  return async () => {
    for (const part of running.splice(0)) {
      part.stop();
      await part.ended;
    }
  };
});

/** Starts to pass announcements on; resolves once it listens. */
async function start(onEach: (id: string) => unknown = () => undefined): Promise<Part> {
  const part = await passOnAnnouncements(
    source,
    `console-${worlds}`,
    () => at,
    ({ id }) => {
      passedOn.push(id);
      return onEach(id);
    },
  );
  running.push(part);
  return part;
}

/** Stops it; resolves when all arrived announcements are passed on. */
async function stop(part: Part): Promise<void> {
  part.stop();
  await part.ended;
  running.splice(running.indexOf(part), 1);
}

const idsTo = (count: number) => Array.from({ length: count }, (_, number) => `evt_${worlds}_${number}`);

async function publish(sns: SNSClient, ids: readonly string[]): Promise<void> {
  for (let first = 0; first < ids.length; first += 10) {
    const PublishBatchRequestEntries = ids
      .slice(first, first + 10)
      .map((id, place) => ({ Id: String(place), Message: JSON.stringify({ id }) }));
    await sns.send(new PublishBatchCommand({ TopicArn: source.eventsTopicArn, PublishBatchRequestEntries }));
  }
}

describe('passOnAnnouncements', () => {
  it('passes on 300 events in order, each once, with two database requests for ten', async () => {
    const commands: string[] = [];
    const second = Promise.withResolvers<void>();
    aws.dynamo.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          commands.push(commandName);
          // The first batch is the last to be looked up.
          if (commands.length === 1) await second.promise;
          const answer = await next(args);
          second.resolve();
          return answer;
        },
      { step: 'initialize', name: 'count' },
    );
    const part = await start();
    await publish(aws.sns, idsTo(300));
    await stop(part);
    aws.dynamo.middlewareStack.remove('count');
    expect(passedOn).toEqual(idsTo(300));
    expect(commands.length).toBeLessThanOrEqual(2 * 45);
  });

  it('passes on no event twice, in the same run or after a restart', async () => {
    const ids = idsTo(15);
    const part = await start();
    await publish(aws.sns, [...ids, ...ids, ...ids.toReversed()]);
    await stop(part);
    expect(passedOn).toEqual(ids);
    const next = await start();
    await publish(aws.sns, [...ids, 'evt_new']);
    await stop(next);
    expect(passedOn).toEqual([...ids, 'evt_new']);
  });

  it('remembers for 30 days what it has passed on', async () => {
    const part = await start();
    await publish(aws.sns, idsTo(1));
    await stop(part);
    const [row] = await new Partition({ dynamo: aws.dynamo, table }, 'ANNOUNCED').range(idsTo(1)[0]!, idsTo(1)[0]!);
    expect(row?.expiresAt).toBe(at.getTime() / 1000 + 30 * 86_400);
  });

  it('remembers nothing that is not printed, and passes on the next while it waits', async () => {
    const printed = Promise.withResolvers<void>();
    const all = Promise.withResolvers<void>();
    const part = await start(() => {
      if (passedOn.length === 20) all.resolve();
      return printed.promise;
    });
    await publish(aws.sns, idsTo(20));
    await all.promise;
    const remembered = async () => {
      const rows = new Partition({ dynamo: aws.dynamo, table }, 'ANNOUNCED');
      return (await rows.range(`evt_${worlds}_`, `evt_${worlds}_~`)).length;
    };
    expect(await remembered()).toBe(0);
    printed.resolve();
    await stop(part);
    expect(await remembered()).toBe(20);
  });

  it('passes nothing on once it is given up, and remembers all that it has passed on', async () => {
    await stop(await start());
    await publish(aws.sns, idsTo(50));
    const givenUp = Promise.withResolvers<unknown>();
    const part: Part = await start(() => {
      part.stop();
      givenUp.resolve(part.release!());
    });
    await givenUp.promise;
    await part.ended;
    running.splice(0);
    expect(passedOn).toEqual(idsTo(10));
    const rows = await new Partition({ dynamo: aws.dynamo, table }, 'ANNOUNCED').range(
      `evt_${worlds}_`,
      `evt_${worlds}_~`,
    );
    expect(rows.map(({ sk }) => sk).sort()).toEqual(idsTo(10).sort());
  });
});
