import { startBenchReceiver } from './bench-receiver.ts';
import { inTime } from './contestant.ts';
import { Sender } from './sender.ts';
import type { Services } from './services.ts';
import { type Spread, spreadOf } from './spread.ts';

/** What comes of many events at once for one endpoint with the default settings. */
export interface BurstTime {
  readonly events: number;
  /** Milliseconds that the receiver takes to answer. */
  readonly answersAfter: number;
  readonly rounds: number;
  /** Milliseconds from the publication of the first event to the last answer with 204. */
  readonly wall: Spread;
  /** Requests to the receiver under way at the same time, at most. */
  readonly mostUnderWay: number;
  /** Requests to DynamoDB, SNS and SQS for each event, from the topic on and those of its publication included. */
  readonly serviceCalls: Spread;
}

export const burstSize = 300;

/** How long receivers take, and how often each is measured. */
const receivers = [
  { answersAfter: 0, rounds: 5 },
  { answersAfter: 100, rounds: 2 },
] as const;

/** Publishes 300 events at once, with one endpoint that has default settings and a receiver that answers all. */
export async function measureBursts(services: Services): Promise<BurstTime[]> {
  const receiver = await startBenchReceiver();
  const times: BurstTime[] = [];
  try {
    for (const { answersAfter, rounds } of receivers) {
      const url = `${receiver.url}/after/${answersAfter}`;
      const sender = await Sender.start(services, [{ name: 'ok', url }]);
      try {
        let sent = 0;
        const round = async (name: string, count: number) => {
          receiver.takeTraffic();
          const before = await services.use();
          const published = await sender.publish(name, count, 0);
          await inTime(receiver.answered(count), `a burst of ${count} events`);
          sent += count;
          await sender.finished(sent);
          const { calls } = await services.use();
          const { lastAnswerAt, mostUnderWay } = receiver.takeTraffic();
          const wall = lastAnswerAt - Math.min(...Object.values(published));
          return { wall, mostUnderWay, serviceCalls: (calls - before.calls) / count };
        };
        await round('warm-up', burstSize / 10);
        const measured: Awaited<ReturnType<typeof round>>[] = [];
        for (let index = 0; index < rounds; index += 1) measured.push(await round(`burst-${index}`, burstSize));
        times.push({
          events: burstSize,
          answersAfter,
          rounds,
          wall: spreadOf(measured.map(({ wall }) => wall)),
          mostUnderWay: Math.max(...measured.map((one) => one.mostUnderWay)),
          serviceCalls: spreadOf(measured.map(({ serviceCalls }) => serviceCalls)),
        });
      } finally {
        await sender.stop();
      }
    }
  } finally {
    receiver.close();
  }
  return times;
}
