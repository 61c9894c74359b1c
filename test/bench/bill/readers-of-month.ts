import type { Units } from '#functions/dynamodb/partition.ts';
import { mostTold } from '#functions/notices/digest.ts';
import { endpointsPerMessage } from '#functions/webhooks/engine/fan-out.ts';
import { assumed } from './assumptions.ts';
import type { Announced } from './deliveries-of-month.ts';
import type { SharedUse } from './measured-use.ts';
import type { Quantities } from './prices.ts';
import {
  gigabyteSeconds,
  kept,
  keyRequests,
  logged,
  minutesOfMonth,
  secondsOfMonth,
  secretCalls,
} from './quantities.ts';

/** The announcements of a month, each of them told to one reader by e-mail. */
interface Told extends Announced {
  readonly readers: number;
  readonly isAtOnce: boolean;
}

/** Mails of a month. A poll that finds changes gives one at once; each day with news of a reader gives a digest. */
export function mailsOf({ events, together, readers, isAtOnce }: Omit<Told, 'endpoints'>): number {
  if (readers === 0) return 0;
  if (isAtOnce) return events / together;
  const news = events / together / readers;
  return readers * assumed('days') * (1 - Math.exp(-news / assumed('days')));
}

/** Calculates what readers add to the use of webhooks; without readers that is nothing. */
export function readersOf(told: Told, measured: SharedUse): Partial<Quantities> {
  const { events, together, endpoints, readers, isAtOnce } = told;
  const { readers: use, logs, deployed } = measured;
  const { memory, platformLog } = deployed;
  if (readers === 0) return {};
  const batch = Math.min(together, assumed('batch'));
  // Fan-out hands an event on to itself for each further part of the endpoints.
  const handedOn = Math.ceil((endpoints + readers) / endpointsPerMessage) - 1;
  const furtherFanOuts = (events / batch) * handedOn;
  const mails = mailsOf(told);
  const perMail = mails === 0 ? 0 : events / mails;
  // For a set time, the sweep wakes each reader once; at once, fan-out does for each of its batches.
  const wakeUps = isAtOnce ? events / batch : mails;
  const sweeps = minutesOfMonth();
  const units = (kind: keyof Units) =>
    (events / batch) * readers * use.examined[kind] +
    events * use.creation[kind] +
    sweeps * readers * use.swept[kind] +
    mails * use.digest[kind] +
    mails * Math.min(perMail, mostTold) * use.told[kind] +
    mails * Math.max(0, perMail - mostTold) * use.counted[kind];
  const delivering =
    wakeUps * assumed('deliverDuration') + mails * assumed('gatherDuration') + events * assumed('markDuration');
  return {
    dynamoReads: units('read'),
    dynamoWrites: units('write'),
    ...kept(events * use.stored.delivery + mails * use.stored.digest),
    lambdaCompute:
      gigabyteSeconds(memory.fanOut, furtherFanOuts * assumed('fanOutDuration')) +
      gigabyteSeconds(memory.deliver, delivering) +
      gigabyteSeconds(memory.sweep, sweeps * readers * assumed('sweptDuration')),
    lambdaRequests: furtherFanOuts + wakeUps,
    sqsRequests: events * handedOn + 2 * furtherFanOuts + 3 * wakeUps,
    sqsFairness: wakeUps,
    secretCalls: secretCalls(wakeUps, Math.ceil(delivering / 1000 / secondsOfMonth())),
    snsPublishes: mails,
    snsEmails: mails,
    kmsRequests: keyRequests(mails, 1),
    ...logged(
      furtherFanOuts * logs.fanOut +
        wakeUps * logs.deliver +
        mails * logs.delivery +
        (furtherFanOuts + wakeUps) * platformLog,
    ),
  };
}
