import { startReceiver } from '#test/bench/processes/receiver.ts';
import type { Services } from '#test/bench/processes/services.ts';
import { type Section, tableOf, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number, spread } from '#test/bench/table.ts';
import type { Published } from './contestant.ts';
import { inTime } from './contestant.ts';
import { startSender } from './sender.ts';

/** Events that are published at once. */
export const burstSize = 300;

/** Milliseconds that receivers take to answer, and the number of bursts to each. */
const receivers = [
  { answersAfterMs: 0, rounds: 5 },
  { answersAfterMs: 100, rounds: 2 },
] as const;

/** Words for the speed of a receiver. */
export const receiverWords = (answersAfterMs: number): string =>
  answersAfterMs === 0 ? 'at once' : `after ${answersAfterMs} ms`;

/** Publishes 300 events at once, with one endpoint that has default settings and a receiver that answers all. */
export const burst: Section = {
  name: 'burst',
  what: 'publishing 300 events at once',
  async measure({ services }) {
    const bursts = [];
    for (const { answersAfterMs, rounds } of receivers) {
      bursts.push({ answersAfterMs, rounds, ...(await measureBursts(services, answersAfterMs, rounds)) });
    }
    return {
      measured: bursts,
      tables: [
        tableOf(
          'burst',
          'A burst to one endpoint with default settings',
          ['receiver', 'events', 'rounds', 'ms to the last 204', 'in flight', 'AWS requests each'],
          bursts.map(({ answersAfterMs, rounds, wallMs, mostInFlight, awsRequests }) => [
            receiverWords(answersAfterMs),
            number.format(burstSize),
            String(rounds),
            spread(wallMs, number),
            String(mostInFlight),
            spread(awsRequests),
          ]),
        ),
      ],
      figures: [time('burst of 300, default endpoint', 2000, 'ms', bursts[0]!.wallMs)],
    };
  },
};

/** The first of the times at which events were published. */
export const firstOf = (published: Published): number => Math.min(...Object.values(published));

async function measureBursts(services: Services, answersAfterMs: number, rounds: number) {
  const receiver = await startReceiver();
  const sender = await startSender(services, [{ name: 'ok', url: `${receiver.url}/after/${answersAfterMs}` }]);
  let sent = 0;
  const round = async (name: string, count: number) => {
    receiver.takeTraffic();
    const before = await services.call('use');
    const published = await sender.call('publish', name, count, 0);
    await inTime(receiver.answered(count), `a burst of ${count} events`);
    sent += count;
    await sender.call('finished', sent);
    const { awsRequests } = await services.call('use');
    const { lastAnswerAt, mostInFlight } = receiver.takeTraffic();
    const wallMs = lastAnswerAt - firstOf(published);
    return { wallMs, mostInFlight, awsRequests: (awsRequests - before.awsRequests) / count };
  };
  try {
    await round('warm-up', burstSize / 10);
    const measured: Awaited<ReturnType<typeof round>>[] = [];
    for (let index = 0; index < rounds; index += 1) measured.push(await round(`burst-${index}`, burstSize));
    return {
      /** From the publication of the first event to the last answer with 204. */
      wallMs: spreadOf(measured.map(({ wallMs }) => wallMs)),
      mostInFlight: Math.max(...measured.map(({ mostInFlight }) => mostInFlight)),
      /** Requests to DynamoDB, SNS and SQS for each event, those of its publication included. */
      awsRequests: spreadOf(measured.map(({ awsRequests }) => awsRequests)),
    };
  } finally {
    await sender.stop();
    receiver.close();
  }
}
