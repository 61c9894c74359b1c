import type { BurstTime } from './burst.ts';
import type { BurstUnits } from './burst-units.ts';
import type { CrashRecovery } from './crash.ts';
import { aloneUnits } from './figures.ts';
import type { NeighbourLatency } from './neighbours.ts';
import { fine, number, spread, table, wholeSpread } from './tables.ts';
import type { ContestantSpeed } from './throughput.ts';
import type { EventUnits } from './use.ts';
import type { WarmCpu } from './warm-cpu.ts';

/** CPU of polls and requests. */
export function warmTable({ poll, requests }: WarmCpu): string {
  return [
    table(
      ['poll', 'transfers', 'rounds', 'CPU ms'],
      [['unchanged, warm', number.format(poll.transfers), `${poll.rounds} × ${poll.polls}`, spread(poll.cpu)]],
      1,
    ),
    table(
      ['one request', 'rounds', 'CPU ms', 'bare http.request', 'ratio'],
      requests.map(({ what, rounds, requests, own, bare, ratio }) => [
        what,
        `${rounds} × ${requests}`,
        fine.format(own.median),
        fine.format(bare.median),
        spread(ratio),
      ]),
      1,
    ),
  ].join('\n\n');
}

/** Bursts of events, by the receiver's speed. */
export function burstTable(bursts: readonly BurstTime[]): string {
  return table(
    ['receiver', 'events', 'rounds', 'ms to the last 204', 'in flight', 'AWS requests each'],
    bursts.map(({ events, answersAfter, rounds, wall, mostUnderWay, serviceCalls }) => [
      receiverWords(answersAfter),
      number.format(events),
      String(rounds),
      wholeSpread(wall),
      String(mostUnderWay),
      spread(serviceCalls),
    ]),
    1,
  );
}

/** Rate and CPU time of senders, compared. */
export function contestantTable(contestants: readonly ContestantSpeed[]): string {
  return [
    table(
      ['sender', 'rounds', 'a second', 'ratio'],
      contestants.map(({ name, rounds, rate, ratio }) => [name, String(rounds), wholeSpread(rate), spread(ratio)]),
      1,
    ),
    table(
      ['CPU ms of a delivery', 'sender', 'store'],
      contestants.map(({ name, senderCpu, storeCpu }) => [name, spread(senderCpu), storeCpu ? spread(storeCpu) : '-']),
      1,
    ),
  ].join('\n\n');
}

/** Latency of senders, compared. */
export function latencyTable(contestants: readonly ContestantSpeed[]): string {
  const [first] = contestants;
  return table(
    ['sender', 'events', 'p50 ms', 'p99 ms', 'p50, ratio'],
    contestants.map(({ name, latency: { count, p50, p99 } }) => [
      name,
      number.format(count),
      fine.format(p50),
      fine.format(p99),
      fine.format(p50 / first!.latency.p50),
    ]),
    1,
  );
}

/** Latency of one endpoint beside healthy and beside bad ones. */
export function neighbourTable({ besideHealthy, besideBad }: NeighbourLatency): string {
  const rows = [
    ['three healthy ones', besideHealthy],
    ['three bad ones', besideBad],
  ] as const;
  return table(
    ['beside', 'events', 'p50 ms', 'p99 ms', 'p99, ratio'],
    rows.map(([name, { count, p50, p99 }]) => [
      name,
      number.format(count),
      fine.format(p50),
      fine.format(p99),
      fine.format(p99 / besideHealthy.p99),
    ]),
    1,
  );
}

/** Recovery after a kill. */
export function crashTable(crashes: readonly CrashRecovery[]): string {
  return table(
    ['killed at webhook', 'events', 'arrived', 'complete after s', 'came twice'],
    crashes.map(({ killedAt, events, arrived, completeAfter, repetitions }) => [
      String(killedAt),
      String(events),
      String(arrived),
      completeAfter === undefined ? 'given up' : fine.format(completeAfter / 1000),
      String(repetitions),
    ]),
    0,
  );
}

/** Units of a delivery, its creation included. */
export function burstUnitTable(bursts: readonly BurstUnits[], alone: EventUnits): string {
  const { read, write } = aloneUnits(alone);
  return table(
    ['delivery', 'receiver', 'read units', 'write units', 'wake-ups'],
    [
      ['alone', receiverWords(0), fine.format(read), fine.format(write), '1'],
      ...bursts.map(({ events, answersAfter, units, wakeUps }) => [
        `one of ${events} at once`,
        receiverWords(answersAfter),
        fine.format(units.read),
        fine.format(units.write),
        fine.format(wakeUps),
      ]),
    ],
    2,
  );
}

const receiverWords = (answersAfter: number): string => (answersAfter === 0 ? 'at once' : `after ${answersAfter} ms`);
