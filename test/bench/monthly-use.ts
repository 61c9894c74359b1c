import { assumed } from './bill-assumptions.ts';
import { deliveriesOf } from './monthly-deliveries.ts';
import { type MonthlyPolls, pollsOf } from './monthly-polls.ts';
import {
  gigabyteSeconds,
  hoursWithChange,
  logged,
  minutesOfMonth,
  secondsOfMonth,
  sumOf,
} from './monthly-quantities.ts';
import type { Quantities } from './prices.ts';
import type { Deployed, Installation, MeasuredUse } from './use.ts';

/** What an installation uses in a month. */
export interface MonthlyUse extends Omit<MonthlyPolls, 'publications'> {
  readonly changes: number;
  readonly quantities: Quantities;
}

/** What an installation uses in a month. */
export function monthlyUse(installation: Installation, measured: MeasuredUse, deployed: Deployed): MonthlyUse {
  const { watches, endpoints, chats, changingHours, together, emails } = installation;
  const { webhooks, logs, metrics } = measured;
  const changes = watches * installation.changes;
  const polls = pollsOf(installation, measured, deployed);
  const deliveries = deliveriesOf({ events: changes, together, endpoints, chats }, measured, deployed);
  const sweeps = minutesOfMonth();
  const publications = polls.publications / 2;
  const always: Partial<Quantities> = {
    dynamoReads: sweeps * webhooks.sweep.read,
    dynamoWrites: sweeps * webhooks.sweep.write,
    lambdaCompute: gigabyteSeconds(deployed.memory.sweep, sweeps * assumed('sweepDuration')),
    lambdaRequests: sweeps,
    schedulerInvocations: sweeps,
    sqsRequests: deployed.listenedQueues * assumed('idleReceives'),
    kmsRequests: 2 * 2 * Math.min(publications, (publishers * secondsOfMonth()) / assumed('keyAge')),
    snsEmails: emails,
    secrets: deployed.secrets,
    ...logged(sweeps * (logs.sweep + deployed.platformLog)),
    customMetrics: metrics.always + metrics.changing * hoursWithChange(changes, changingHours),
    dashboards: deployed.dashboards,
    alarmMetrics: deployed.alarmMetrics,
  };
  return { ...polls, changes, quantities: sumOf([polls.quantities, deliveries, always]) };
}

/** Functions that publish to the topics, each with a data key of its own. */
const publishers = 2;
