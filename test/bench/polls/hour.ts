import { scopeDue } from '#functions/watches/schedule.ts';
import { type Bench, type Section, tableOf } from '#test/bench/section.ts';
import { number } from '#test/bench/table.ts';
import { pollOnce } from './polling.ts';

/** Numbers of transfers. */
const mailboxes = [100, 10_000] as const;

/** Part of all transfers. */
const activeShare = 0.05;

const minuteMs = 60_000;

/** Polls mailboxes of which 5 % are active for an hour, as the schedule has it but without waiting. */
export const hour: Section = {
  name: 'hour',
  what: 'polling for an hour, without waiting',
  async measure(bench) {
    const loads: Awaited<ReturnType<typeof pollMailbox>> = [];
    for (const transfers of mailboxes) loads.push(...(await pollMailbox(bench, transfers)));
    return {
      measured: loads,
      tables: [
        tableOf(
          'hour',
          'An hour of polls, one a minute, 5 % of the transfers active',
          ['transfers', 'active', 'full listings', 'changes', 'requests', 'read units', 'write units'],
          loads.map(({ transfers, active, fullListingEvery, changes, requests, read, write }) => [
            number.format(transfers),
            number.format(active),
            fullListingEvery === 1 ? 'all' : `1 of ${fullListingEvery}`,
            ...[changes, requests, read, write].map((value) => number.format(value)),
          ]),
          0,
        ),
      ],
    };
  },
};

async function pollMailbox({ services, deps }: Bench, transfers: number) {
  const watch = await services.call('fill', `hour.${transfers}@example.com`, transfers);
  let active = transfers * activeShare;
  await services.call('change', watch, transfers - active);
  await pollOnce(deps, watch);
  const loads = [];
  for (const fullListingEvery of [1, 5, 10]) {
    const schedule = { shards: 1, pollIntervalMs: minuteMs, fullListingEvery };
    for (const changes of [0, Math.max(1, transfers / 500)]) {
      await services.call('countRequests');
      let [found, read, write] = [0, 0, 0];
      for (let minute = 0; minute < 60; minute += 1) {
        // Spread over the hour, so that each is found by a poll of its own.
        if (changes > 0 && minute % Math.floor(60 / changes) === 0) await services.call('change', watch, 1);
        const scope = scopeDue(watch, schedule, { after: minute * minuteMs, to: (minute + 1) * minuteMs });
        if (!scope) throw new Error('a watch is not polled each minute');
        const { changed, units } = await pollOnce(deps, watch, scope);
        found += changed;
        read += units.read;
        write += units.write;
      }
      if (found !== changes) throw new Error(`announced ${found} of ${changes} changes`);
      const requests = await services.call('countRequests');
      loads.push({ transfers, active, fullListingEvery, changes, requests, read, write });
      active -= changes;
    }
  }
  return loads;
}
