import { startBenchReceiver } from './bench-receiver.ts';
import { inTime } from './contestant.ts';
import { type Percentiles, percentiles } from './percentiles.ts';
import { Sender } from './sender.ts';
import type { Services } from './services.ts';

/** Milliseconds from the publication of an event to the arrival of its webhook, by what other endpoints get the same events. */
export interface NeighbourLatency {
  readonly rounds: number;
  /** Beside three that are healthy, too; all rounds together. */
  readonly besideHealthy: Percentiles;
  /** Beside one that sleeps for 14 s, one that refuses connections and one that drips a byte a second. */
  readonly besideBad: Percentiles;
}

/** The p99 of a single round is the machine's mood. */
const rounds = 5;

/** Events of a round, after those that warm the process up, and milliseconds between them. */
const timedEvents = 240;
const warmUpEvents = 40;
const pace = 80;

const healthy = ['healthy-1', 'healthy-2', 'healthy-3'];
const bad = ['sleep', 'drip', 'refused'];

/** Looks at one endpoint beside healthy ones and beside bad ones in turn, each round with queues and table of its own. */
export async function measureNeighbours(services: Services): Promise<NeighbourLatency> {
  const receiver = await startBenchReceiver();
  const round = async (names: readonly string[]): Promise<number[]> => {
    // Nobody listens on port 1.
    const urlOf = (name: string) => (name === 'refused' ? 'http://127.0.0.1:1/' : `${receiver.url}/${name}`);
    const endpoints = ['ok', ...names].map((name) => ({ name, url: urlOf(name) }));
    const sender = await Sender.start(services, endpoints);
    try {
      receiver.takeTraffic();
      await sender.publish('warm-up', warmUpEvents, pace / 4);
      await inTime(receiver.answered(warmUpEvents), 'webhooks beside others');
      receiver.takeTraffic();
      const published = await sender.publish('timed', timedEvents, pace);
      await inTime(receiver.answered(timedEvents), 'webhooks beside others');
      const { arrivals } = receiver.takeTraffic();
      return Object.entries(published).map(([id, at]) => arrivals[id]! - at);
    } finally {
      await sender.stop();
    }
  };
  try {
    const besideHealthy: number[] = [];
    const besideBad: number[] = [];
    for (let index = 0; index < rounds; index += 1) {
      besideHealthy.push(...(await round(healthy)));
      besideBad.push(...(await round(bad)));
    }
    return { rounds, besideHealthy: percentiles(besideHealthy), besideBad: percentiles(besideBad) };
  } finally {
    receiver.close();
  }
}
