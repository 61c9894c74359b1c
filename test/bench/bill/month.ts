import { assumed } from './assumptions.ts';
import { deliveriesOf } from './deliveries-of-month.ts';
import type { Installation } from './installations.ts';
import type { MeasuredUse } from './measured-use.ts';
import { pollsOf } from './polls-of-month.ts';
import type { Quantities } from './prices.ts';
import { gigabyteSeconds, hoursWithChange, keyRequests, logged, minutesOfMonth, sumOf } from './quantities.ts';
import { readersOf } from './readers-of-month.ts';

export type MonthlyUse = ReturnType<typeof monthlyUse>;

/** Functions that publish events, each with a data key of its own. */
const publishers = 2;

/** Calculates the use of an installation in a month: polls, deliveries, and everything that is always there. */
export function monthlyUse(installation: Installation, measured: MeasuredUse) {
  const { endpoints, readers, isAtOnce, changingHours, together } = installation;
  const { webhooks, logs, metrics, deployed } = measured;
  const polls = pollsOf(installation, measured);
  const { changes } = polls;
  const deliveries = deliveriesOf({ events: changes, together, endpoints }, measured);
  const mails = readersOf({ events: changes, together, endpoints, readers, isAtOnce }, measured);
  const sweeps = minutesOfMonth();
  const always: Partial<Quantities> = {
    dynamoReads: sweeps * webhooks.sweep.read,
    dynamoWrites: sweeps * webhooks.sweep.write,
    lambdaCompute: gigabyteSeconds(deployed.memory.sweep, sweeps * assumed('sweepDuration')),
    lambdaRequests: sweeps,
    schedulerInvocations: sweeps,
    sqsRequests: deployed.listenedQueues * assumed('idleReceives'),
    kmsRequests: keyRequests(polls.quantities.snsPublishes, publishers),
    secrets: deployed.secrets,
    ...logged(sweeps * (logs.sweep + deployed.platformLog)),
    customMetrics: metrics.always + metrics.changing * hoursWithChange(changes, changingHours),
    dashboards: deployed.dashboards,
    alarmMetrics: deployed.alarmMetrics,
  };
  return { ...polls, quantities: sumOf([polls.quantities, deliveries, mails, always]) };
}
