import type { ServicesResource } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { type Check, fail, ok, orFailed, warn } from './check.ts';

/** Has the notifier check its tables, topics and queues. */
export const checkServices = ({ api }: Session): Promise<Check[]> =>
  orFailed('tables, topics and queues', async () => {
    const services = await api.get<ServicesResource>('/services');
    return [...tablesOf(services), ...topicsOf(services), ...queuesOf(services)];
  });

/** Reports what does not answer; some problems have a remedy of their own behind a colon. */
function without(name: string, what: string, problem: string): Check {
  const [cause, remedy = 'see whether it still exists, and deploy again'] = problem.split(/: (.*)/s);
  return fail(name, `${what} does not answer: ${cause}`, remedy);
}

function tablesOf({ tables }: ServicesResource): Check[] {
  const broken = tables.flatMap(({ name, problem }) => (problem ? [without('tables', name, problem)] : []));
  return broken.length > 0 ? broken : [ok('tables', `${tables.map(({ name }) => name).join(' and ')} answer`)];
}

function topicsOf({ topics }: ServicesResource): Check[] {
  return topics.map(({ name, subscriptions, unconfirmed, problem }) => {
    if (problem) return without('topics', name, problem);
    if (unconfirmed > 0) {
      return warn(
        'topics',
        `${unconfirmed} of ${subscriptions + unconfirmed} subscriptions of ${name} are not confirmed, and get nothing`,
        'have them confirm by the link in the mail that SNS has sent them; after 48 hours SNS forgets them: docs/operations.md#unconfirmed-e-mails',
      );
    }
    return ok('topics', `${name} answers, ${subscriptions} subscribed`);
  });
}

function queuesOf({ queues }: ServicesResource): Check[] {
  const deadLetters = queues.filter(({ name }) => name.endsWith('DeadLetters'));
  const living = queues.filter((queue) => !deadLetters.includes(queue) && !queue.problem);
  const depths = living.map(({ name, waiting, inProgress }) => `${name} ${waiting} waiting, ${inProgress} in flight`);
  return [
    ...(depths.length > 0 ? [ok('queues', depths.join('; '))] : []),
    ...queues.flatMap(({ name, problem }) => (problem ? [without('queues', name, problem)] : [])),
    ...deadLetters.flatMap(({ name, waiting }) => (waiting > 0 ? [lettersIn(name, waiting)] : [])),
  ];
}

/** Reports messages in a dead-letter queue. Records of missed ticks are for reading only, and expire by themselves. */
function lettersIn(name: string, waiting: number): Check {
  const remedy = `see docs/operations.md#${name.toLowerCase()}`;
  return name.startsWith('MissedTicks')
    ? warn('queues', `${waiting} ticks were lost within a day, and made up for by the next`, remedy)
    : fail('queues', `${waiting} messages in ${name} could not be handled`, remedy);
}
