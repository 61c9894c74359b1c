import { type Receiver, startReceiver } from '#test/bench/processes/receiver.ts';
import { rate, type Section, time } from '#test/bench/section.ts';
import { percentiles, spreadOf } from '#test/bench/spread.ts';
import { latencyTexts, number, spread, table } from '#test/bench/table.ts';
import { firstOf } from './burst.ts';
import { type Contestant, inTime } from './contestant.ts';
import { startPostel } from './postel.ts';
import { startSender } from './sender.ts';

const events = 1000;
const rounds = 3;

/** Events one by one, and milliseconds between them. */
const timedEvents = 150;
const paceMs = 60;

/** A contestant with its measurements. */
interface Entry {
  readonly contestant: Contestant;
  /** Deliveries so far. */
  sent: number;
  readonly rates: number[];
  readonly senderCpus: number[];
  readonly storeCpus: number[];
  readonly latencies: number[];
}

/**
 * Measures each contestant with a receiver that answers at once. They take turns with 1,000 events at once, then,
 * twice, with one event every 60 ms.
 */
export const throughput: Section = {
  name: 'throughput',
  what: 'publishing 1,000 events at once, then one by one',
  async measure({ services, postel }) {
    const receiver = await startReceiver();
    const url = `${receiver.url}/after/0`;
    const entries: Entry[] = [];
    const enter = (contestant: Contestant) =>
      entries.push({ contestant, sent: 0, rates: [], senderCpus: [], storeCpus: [], latencies: [] });
    try {
      const sender = await startSender(services, [{ name: 'ok', url }]);
      enter(sender);
      if (postel) enter(await startPostel({ ...postel, url }));
      for (const entry of entries) await publishBurst(entry, receiver, 'warm-up', events / 5);
      for (const { rates, senderCpus, storeCpus } of entries) {
        for (const values of [rates, senderCpus, storeCpus]) values.length = 0;
      }
      for (let round = 0; round < rounds; round += 1) {
        for (const entry of entries) await publishBurst(entry, receiver, `round-${round}`, events);
      }
      for (const half of ['first', 'second']) {
        for (const entry of entries) await publishOneByOne(entry, receiver, half);
      }
      const rows = await sender.finishedRows();
      const { sent } = entries[0]!;
      if (rows !== sent) throw new Error(`${rows} of ${sent} deliveries stand in the table as done`);
    } finally {
      for (const { contestant } of entries) await contestant.stop();
      receiver.close();
    }
    return resultOf(entries);
  },
};

async function publishBurst(entry: Entry, receiver: Receiver, name: string, count: number): Promise<void> {
  const { contestant } = entry;
  receiver.takeTraffic();
  const before = await contestant.cpu();
  const published = await contestant.call('publish', name, count, 0);
  const finishedAt = await finish(entry, receiver, count);
  const after = await contestant.cpu();
  entry.rates.push((count * 1000) / (finishedAt - firstOf(published)));
  entry.senderCpus.push((after.sender - before.sender) / count);
  if (after.store !== undefined) entry.storeCpus.push((after.store - before.store!) / count);
}

async function publishOneByOne(entry: Entry, receiver: Receiver, name: string): Promise<void> {
  receiver.takeTraffic();
  const published = await entry.contestant.call('publish', `one-by-one-${name}`, timedEvents, paceMs);
  await finish(entry, receiver, timedEvents);
  const { arrivals } = receiver.takeTraffic();
  entry.latencies.push(...Object.entries(published).map(([id, publishedAt]) => arrivals.get(id)! - publishedAt));
}

/** Waits until further deliveries are recorded as done; returns the time of the last. */
async function finish(entry: Entry, receiver: Receiver, count: number): Promise<number> {
  await inTime(receiver.answered(count), `${entry.contestant.name}: ${count} webhooks`);
  entry.sent += count;
  return entry.contestant.call('finished', entry.sent);
}

function resultOf(entries: readonly Entry[]) {
  const speeds = entries.map(({ contestant, rates, senderCpus, storeCpus, latencies }) => ({
    name: contestant.name,
    /** Deliveries a second, from the publication of the first event to the last that is recorded as done. */
    rate: spreadOf(rates),
    /** The same in terms of the first contestant's in the same round. */
    ratio: spreadOf(rates.map((value, round) => value / entries[0]!.rates[round]!)),
    /** Milliseconds of CPU for each delivery: of the sender, its publishing included, and of its store. */
    senderCpu: spreadOf(senderCpus),
    storeCpu: storeCpus.length === 0 ? undefined : spreadOf(storeCpus),
    /** Milliseconds from the publication of an event to the arrival of its first attempt. */
    latency: percentiles(latencies),
  }));
  const [own, rival] = speeds;
  const rateTable = table(
    ['sender', 'rounds', 'a second', 'ratio'],
    speeds.map(({ name, rate, ratio }) => [name, String(rounds), spread(rate, number), spread(ratio)]),
  );
  const cpuTable = table(
    ['CPU ms of a delivery', 'sender', 'store'],
    speeds.map(({ name, senderCpu, storeCpu }) => [name, spread(senderCpu), storeCpu ? spread(storeCpu) : '-']),
  );
  const latencyTable = table(
    ['sender', 'events', 'p50 ms', 'p99 ms', 'p50, ratio'],
    speeds.map(({ name, latency }) => [name, ...latencyTexts(latency, latency.p50 / own!.latency.p50)]),
  );
  return {
    measured: speeds,
    tables: [
      {
        id: 'throughput',
        title: '1,000 events at once: median (least to greatest)',
        text: `${rateTable}\n\n${cpuTable}`,
      },
      { id: 'latency', title: 'Publication to first attempt, an event every 60 ms', text: latencyTable },
    ],
    figures: [
      rate('topic to finished row, defaults', 250, 'a second', own!.rate.median),
      ...(rival ? [rate('the same', 1.2, `× ${rival.name}`, 1 / rival.ratio.median)] : []),
      time('publication → first attempt: p50', 15, 'ms', own!.latency.p50),
      time('publication → first attempt: p99', 40, 'ms', own!.latency.p99),
    ],
  };
}
