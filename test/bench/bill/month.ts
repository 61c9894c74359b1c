import { assumed } from './assumptions.ts';
import { deliveriesOf } from './deliveries-of-month.ts';
import type { Installation } from './installations.ts';
import type { MeasuredUse } from './measured-use.ts';
import { pollsOf } from './polls-of-month.ts';
import type { Quantities } from './prices.ts';
import { gigabyteSeconds, hoursWithChange, logged, minutesOfMonth, secondsOfMonth, sumOf } from './quantities.ts';

export type MonthlyUse = ReturnType<typeof monthlyUse>;

/** Functions that publish to the topics, each with a data key of its own. */
const publishers = 2;

/** Calculates the use of an installation in a month: polls, deliveries, and everything that is always there. */
export function monthlyUse(installation: Installation, measured: MeasuredUse) {
  const { endpoints, chats, changingHours, together, emails } = installation;
  const { webhooks, logs, metrics, deployed } = measured;
  const polls = pollsOf(installation, measured);
  const { changes } = polls;
  const deliveries = deliveriesOf({ events: changes, together, endpoints, chats }, measured);
  const sweeps = minutesOfMonth();
  const publicationsOfTopic = polls.quantities.snsPublishes / 2;
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
  return { ...polls, quantities: sumOf([polls.quantities, deliveries, always]) };
}
