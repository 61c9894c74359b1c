import { startReceiver } from '#test/bench/processes/receiver.ts';
import { type Section, tableOf, time } from '#test/bench/section.ts';
import { percentiles } from '#test/bench/spread.ts';
import { latencyTexts } from '#test/bench/table.ts';
import { inTime } from './contestant.ts';
import { startSender } from './sender.ts';

/** The p99 of a single round is the machine's mood. */
const rounds = 5;

/** Events of a round, after those that warm the process up, and milliseconds between them. */
const timedEvents = 240;
const warmUpEvents = 40;
const paceMs = 80;

const healthy = ['healthy-1', 'healthy-2', 'healthy-3'];

/** One sleeps for 14 s, one drips a byte a second, one refuses connections. */
const bad = ['sleep', 'drip', 'refused'];

/** Measures one endpoint beside healthy and beside bad ones in turn, each round with queues and table of its own. */
export const neighbours: Section = {
  name: 'neighbours',
  what: 'delivering beside bad endpoints',
  async measure({ services }) {
    const receiver = await startReceiver();
    // Nothing listens on port 1.
    const urlOf = (name: string) => (name === 'refused' ? 'http://127.0.0.1:1/' : `${receiver.url}/${name}`);
    /** Milliseconds from the publication of each event to the arrival of its webhook. */
    const measureRound = async (names: readonly string[]): Promise<number[]> => {
      const endpoints = ['after/0', ...names].map((name, index) => ({ name: `endpoint-${index}`, url: urlOf(name) }));
      const sender = await startSender(services, endpoints);
      const publish = async (name: string, count: number, pace: number) => {
        receiver.takeTraffic();
        const published = await sender.call('publish', name, count, pace);
        await inTime(receiver.answered(count), 'webhooks beside others');
        const { arrivals } = receiver.takeTraffic();
        return Object.entries(published).map(([id, publishedAt]) => arrivals.get(id)! - publishedAt);
      };
      try {
        await publish('warm-up', warmUpEvents, paceMs / 4);
        return await publish('timed', timedEvents, paceMs);
      } finally {
        await sender.stop();
      }
    };
    const latencies: { healthy: number[]; bad: number[] } = { healthy: [], bad: [] };
    try {
      for (let round = 0; round < rounds; round += 1) {
        latencies.healthy.push(...(await measureRound(healthy)));
        latencies.bad.push(...(await measureRound(bad)));
      }
    } finally {
      receiver.close();
    }
    const besideHealthy = percentiles(latencies.healthy);
    const besideBad = percentiles(latencies.bad);
    const ratio = besideBad.p99 / besideHealthy.p99;
    return {
      measured: { besideHealthy, besideBad },
      tables: [
        tableOf(
          'neighbours',
          'Publication to first attempt beside others',
          ['beside', 'events', 'p50 ms', 'p99 ms', 'p99, ratio'],
          [
            ['three healthy ones', ...latencyTexts(besideHealthy, 1)],
            ['three bad ones', ...latencyTexts(besideBad, ratio)],
          ],
        ),
      ],
      figures: [time('p99 beside bad endpoints', 1.1, '× beside healthy ones', ratio)],
    };
  },
};
