import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { explain } from '#functions/operator/operations/explain.ts';
import { transferKey } from '#functions/snapshot/snapshot-rows.ts';
import { watchKey } from '#functions/transfers/transfer.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import type { ServiceAddresses } from '#test/bench/processes/services.ts';
import { count, type Section, tableOf, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { fine, number, spread } from '#test/bench/table.ts';
import { meteredWebhooks } from './metered.ts';

const rounds = 20;

/** Events of the transfer, and endpoints that got all of them. */
interface Life {
  readonly events: number;
  readonly endpoints: number;
}

type Asked = { readonly all?: 'true' };

/** A transfer from its creation to its end, as most are. */
const usual: Life = { events: 4, endpoints: 3 };
const lives: readonly Life[] = [
  { events: 2, endpoints: 1 },
  usual,
  { events: 2, endpoints: 20 },
  { events: 20, endpoints: 1 },
  { events: 20, endpoints: 20 },
];

/** Counts the units of explanations, and measures their time. */
export const explaining: Section = {
  name: 'explain',
  what: 'explaining transfers with short and long histories',
  async measure({ services: { addresses } }) {
    const measured: Awaited<ReturnType<typeof measureLife>> = [];
    for (const life of lives) measured.push(...(await measureLife(addresses, life)));
    const slowest = measured.toSorted((a, b) => b.ms.median - a.ms.median)[0]!;
    const dearest = measured.filter(({ asked }) => !asked.all).toSorted((a, b) => b.read - a.read)[0]!;
    const ofUsual = measured.find(({ life }) => life === usual)!;
    return {
      measured,
      tables: [
        tableOf(
          'explain',
          'Explanation of a transfer: milliseconds as median (least to greatest)',
          ['events', 'endpoints', 'asked', 'deliveries told', 'KB', 'rounds', 'read units', 'ms'],
          measured.map(({ life: { events, endpoints }, asked, told, kilobytes, read, ms }) => [
            ...[number.format(events), number.format(endpoints), asked.all ? 'all' : '', number.format(told)],
            ...[fine.format(kilobytes), String(rounds), fine.format(read), spread(ms)],
          ]),
          0,
        ),
      ],
      figures: [
        count('explain a transfer of 4 events to 3 endpoints', 5, 'read units', ofUsual.read),
        count('explain any transfer, within bounds', 5, 'read units', dearest.read),
        time('slowest explanation', 200, 'ms', slowest.ms),
      ],
    };
  },
};

async function measureLife(services: ServiceAddresses, life: Life) {
  const { deps, meter, onlooker, transfersTable, close } = await meteredWebhooks(services);
  const { dynamo, table } = deps;
  const sources = {
    tables: { transfers: { dynamo, table: transfersTable }, webhooks: { dynamo, table } },
    webhooks: deps,
  };
  const read = (asked: Asked) => explain(sources, trackingId, asked, Number.POSITIVE_INFINITY);
  try {
    const names = Array.from({ length: life.endpoints }, (_, index) => `endpoint-${index}`);
    for (const name of names) await addEndpoint(deps, name, { url: `${services.receiver}/healthy` });
    for (const event of lifeOf(life.events)) {
      await fanOut(deps, [{ body: eventBody(event) }]);
      for (const endpoint of names) await deliver(deps, [{ endpoint, events: [event.id] }]);
    }
    const row = { pk: watchKey(watch), sk: transferKey(trackingId), state: 'ACTIVE', sequence: life.events, rev: 1 };
    const seen = { ...row, firstSeenAt: now.toISOString(), observedAt: now.toISOString() };
    await onlooker.send(new PutItemCommand({ TableName: transfersTable, Item: marshall(seen) }));
    const measured = [];
    for (const asked of [{}, { all: 'true' }] satisfies Asked[]) {
      const units = await meter.of(() => read(asked));
      const times: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const begun = performance.now();
        await read(asked);
        times.push(performance.now() - begun);
      }
      const explanation = await read(asked);
      const verdicts = explanation.subscribers.flatMap((one) => one.verdicts);
      const told = verdicts.filter(({ verdict }) => verdict === 'delivered').length;
      const isTold = told === verdicts.filter(({ verdict }) => verdict !== 'unknown').length;
      if (!isTold || (asked.all && told < life.events * life.endpoints))
        throw new Error('an explanation tells of a delivery that it was not made');
      const kilobytes = Buffer.byteLength(JSON.stringify(explanation)) / 1000;
      measured.push({ life, asked, told, kilobytes, read: units.read, ms: spreadOf(times) });
    }
    return measured;
  } finally {
    close();
  }
}

const trackingId = '20261127-120000-Explained';
const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const now = new Date();

/** Events of one transfer, a second apart. */
const lifeOf = (events: number) =>
  Array.from({ length: events }, (_, index) => {
    const change = { trackingId, state: 'ACTIVE', previousState: index === 0 ? null : 'ACTIVE', sequence: index + 1 };
    const at = new Date(now.getTime() + 1000 * (index - events)).toISOString();
    return transferEvent('https://cryptshare.example.com', watch, change, at);
  });
