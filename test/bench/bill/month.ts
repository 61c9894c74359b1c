import { assumed } from './assumptions.ts';
import { deliveriesOf } from './deliveries-of-month.ts';
import type { Installation } from './installations.ts';
import type { MeasuredUse } from './measured-use.ts';
import { type MonthlyPolls, pollsOf } from './polls-of-month.ts';
import type { Quantities } from './prices.ts';
import { gigabyteSeconds, hoursWithChange, logged, minutesOfMonth, secondsOfMonth, sumOf } from './quantities.ts';

/** The use of an installation in a month. */
export interface MonthlyUse extends MonthlyPolls {
  readonly changes: number;
  readonly quantities: Quantities;
}

/** Functions that publish to the topics, each with a data key of its own. */
const publishers = 2;

/** Calculates the use of an installation in a month: polls, deliveries, and everything that is always there. */
export function monthlyUse(installation: Installation, measured: MeasuredUse): MonthlyUse {
  const { watches, endpoints, chats, changingHours, together, emails } = installation;
  const { webhooks, logs, metrics, deployed } = measured;
  const changes = watches * installation.changes;
  const polls = pollsOf(installation, measured);
  const deliveries = deliveriesOf({ events: changes, together, endpoints, chats }, measured);
  const sweeps = minutesOfMonth();
  const publicationsOfTopic = (polls.quantities.snsPublishes ?? 0) / 2;
  const always: Partial<Quantities> = {
    dynamoReads: sweeps * webhooks.sweep.read,
    dynamoWrites: sweeps * webhooks.sweep.write,
    lambdaCompute: gigabyteSeconds(deployed.memory.sweep, sweeps * assumed('sweepDuration')),
    lambdaRequests: sweeps,
    schedulerInvocations: sweeps,
    sqsRequests: deployed.listenedQueues * assumed('idleReceives'),
    kmsRequests: 2 * 2 * Math.min(publicationsOfTopic, (publishers * secondsOfMonth()) / assumed('keyAge')),
    snsEmails: emails,
    secrets: deployed.secrets,
    ...logged(sweeps * (logs.sweep + deployed.platformLog)),
    customMetrics: metrics.always + metrics.changing * hoursWithChange(changes, changingHours),
    dashboards: deployed.dashboards,
    alarmMetrics: deployed.alarmMetrics,
  };
  return { ...polls, changes, quantities: sumOf([polls.quantities, deliveries, always]) };
}
