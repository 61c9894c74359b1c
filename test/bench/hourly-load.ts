import type { PollDependencies } from '#functions/poll/dependencies.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { scopeDue } from '#functions/watches/schedule.ts';
import type { Services } from './services.ts';

/** What an hour of polls, one a minute, asks of the server and of DynamoDB. */
export interface HourlyLoad {
  readonly transfers: number;
  readonly active: number;
  /** Every how many polls one lists all transfers. */
  readonly fullListingEvery: number;
  /** Active transfers that end within the hour. */
  readonly changes: number;
  /** Requests that the server has counted. */
  readonly requests: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** Numbers of transfers. */
const mailboxes = [100, 10_000] as const;

/** Of all transfers. */
const activeShare = 0.05;

const minute = 60_000;
const hour = 60 * minute;

/** Milliseconds that a poll may take here. */
const budget = 10 * minute;

/** Polls mailboxes of which 5 % are active for an hour, as the schedule has it but without waiting. */
export async function measureHourlyLoad(services: Services, deps: PollDependencies): Promise<HourlyLoad[]> {
  const loads: HourlyLoad[] = [];
  for (const transfers of mailboxes) {
    const watch = await services.fill(`hour.${transfers}@example.com`, transfers);
    const active = transfers * activeShare;
    await services.change(watch, transfers - active);
    const poll = async (scope: 'all' | 'active') => {
      const deadline = deps.now().getTime() + budget;
      const { problem, changed, units } = await pollWatch(deps, watch, { notifyExisting: false, scope, deadline });
      if (problem) throw new Error(problem.message);
      return { changed, units };
    };
    await poll('all');
    let left = active;
    const busy = Math.max(1, transfers / 500);
    for (const fullListingEvery of [1, 5, 10]) {
      for (const changes of [0, busy]) {
        await services.countRequests();
        let found = 0;
        const units = { read: 0, write: 0 };
        for (let index = 0; index < hour; index += minute) {
          // Spread over the hour, so that each is found by a poll of its own.
          if (changes > 0 && (index / minute) % Math.floor(60 / changes) === 0) await services.change(watch, 1);
          const schedule = { shards: 1, pollIntervalMs: minute, fullListingEvery };
          const scope = scopeDue(watch, schedule, { after: index, to: index + minute });
          if (!scope) throw new Error('a watch is not polled each minute');
          const result = await poll(scope);
          found += result.changed;
          units.read += result.units.read;
          units.write += result.units.write;
        }
        if (found !== changes) throw new Error(`announced ${found} of ${changes} changes`);
        left -= changes;
        const requests = await services.countRequests();
        const cost = { requests, readUnits: units.read, writeUnits: units.write };
        loads.push({ transfers, active: left + changes, fullListingEvery, changes, ...cost });
      }
    }
  }
  return loads;
}
