import { type BenchReceiver, startBenchReceiver } from './bench-receiver.ts';
import { type Contestant, inTime } from './contestant.ts';
import { type Percentiles, percentiles } from './percentiles.ts';
import { Postel } from './postel.ts';
import { Sender } from './sender.ts';
import type { Services } from './services.ts';
import { type Spread, spreadOf } from './spread.ts';

/** How a sender of webhooks does, all others having had their turns in the same rounds. */
export interface ContestantSpeed {
  readonly name: string;
  readonly events: number;
  readonly rounds: number;
  /** Deliveries a second, from the publication of the first event to the last that is written down as done. */
  readonly rate: Spread;
  /** The same in terms of the first contestant's in the same round. */
  readonly ratio: Spread;
  /** Milliseconds of CPU for each delivery: of the sender, its publishing included, and of what keeps its data. */
  readonly senderCpu: Spread;
  readonly storeCpu: Spread | undefined;
  /** Milliseconds from the publication of an event to the arrival of its first attempt. */
  readonly latency: Percentiles;
}

/** A checkout of Postel, built, and an empty database for it. */
export interface PostelPlace {
  readonly folder: string;
  readonly database: string;
}

const events = 1000;
const rounds = 3;

/** Events one by one, and milliseconds between them. */
const timedEvents = 150;
const pace = 60;

/**
 * Measures each contestant with a receiver that answers at once: 1,000 events at once, taking turns; then one event every
 * 60 ms, twice, taking turns again.
 */
export async function measureThroughput(
  services: Services,
  postelPlace: PostelPlace | undefined,
): Promise<ContestantSpeed[]> {
  const receiver = await startBenchReceiver();
  const url = `${receiver.url}/ok`;
  const entries: Entry[] = [];
  try {
    const sender = await Sender.start(services, [{ name: 'ok', url }]);
    entries.push(entryOf(sender, receiver));
    if (postelPlace) entries.push(entryOf(await Postel.start({ ...postelPlace, url }), receiver));
    for (const entry of entries) await entry.burst('warm-up', events / 5);
    for (const entry of entries) entry.forget();
    for (let round = 0; round < rounds; round += 1) {
      for (const entry of entries) await entry.burst(`round-${round}`, events);
    }
    for (const half of ['first', 'second']) {
      for (const entry of entries) await entry.oneByOne(half);
    }
    const expected = entries[0]!.sent();
    const rows = await sender.finishedRows();
    if (rows !== expected) throw new Error(`${rows} of ${expected} deliveries stand in the table as done`);
    return entries.map((entry) => entry.speed(entries[0]!));
  } finally {
    for (const { contestant } of entries) await contestant.stop();
    receiver.close();
  }
}

type Entry = ReturnType<typeof entryOf>;

function entryOf(contestant: Contestant, receiver: BenchReceiver) {
  let sent = 0;
  let rates: number[] = [];
  let cpus: { sender: number; store: number | undefined }[] = [];
  const latencies: number[] = [];
  const done = async (count: number) => {
    await inTime(receiver.answered(count), `${contestant.name}: ${count} webhooks`);
    sent += count;
    return contestant.finished(sent);
  };
  return {
    contestant,
    rates: () => rates,
    sent: () => sent,
    async burst(name: string, count: number) {
      receiver.takeTraffic();
      const before = await contestant.cpu();
      const published = await contestant.publish(name, count, 0);
      const at = await done(count);
      const after = await contestant.cpu();
      rates.push((count * 1000) / (at - Math.min(...Object.values(published))));
      cpus.push({
        sender: (after.sender - before.sender) / count,
        store: after.store === undefined ? undefined : (after.store - before.store!) / count,
      });
    },
    async oneByOne(name: string) {
      receiver.takeTraffic();
      const published = await contestant.publish(`one-by-one-${name}`, timedEvents, pace);
      await done(timedEvents);
      const { arrivals } = receiver.takeTraffic();
      latencies.push(...Object.entries(published).map(([id, at]) => arrivals[id]! - at));
    },
    /** What was measured until now was warming up. */
    forget() {
      rates = [];
      cpus = [];
    },
    speed(first: { rates: () => readonly number[] }): ContestantSpeed {
      const stores = cpus.flatMap(({ store }) => store ?? []);
      return {
        name: contestant.name,
        events,
        rounds,
        rate: spreadOf(rates),
        ratio: spreadOf(rates.map((rate, round) => rate / first.rates()[round]!)),
        senderCpu: spreadOf(cpus.map((cpu) => cpu.sender)),
        storeCpu: stores.length === 0 ? undefined : spreadOf(stores),
        latency: percentiles(latencies),
      };
    },
  };
}
