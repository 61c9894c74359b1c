import type { Units } from '#functions/dynamodb/partition.ts';
import { count, type Section, tableOf } from '#test/bench/section.ts';
import { fine } from '#test/bench/table.ts';
import { burstSize, receiverWords } from '#test/bench/webhooks/burst.ts';
import { measureBurstUnits } from './burst-units.ts';
import { measureWebhookUnits } from './webhook-units.ts';

/** Counts the units of DynamoDB of a delivery, its creation included: alone and in a burst. */
export const units: Section = {
  name: 'units',
  what: 'counting the units of webhooks',
  async measure({ services: { addresses }, deps }) {
    const bursts = [await measureBurstUnits(addresses, 0), await measureBurstUnits(addresses, 100)];
    const { event, creation, delivery } = (await measureWebhookUnits(addresses, deps.topic)).webhooks.alone;
    const sum = (kind: keyof Units) => event[kind] + creation[kind] + delivery[kind];
    const alone = { read: sum('read'), write: sum('write') };
    const inBurst = bursts[0]!.units;
    return {
      measured: { bursts, alone },
      tables: [
        tableOf(
          'units',
          'Units of DynamoDB for each delivery, indexes included',
          ['delivery', 'receiver', 'read units', 'write units', 'wake-ups'],
          [
            ['alone', receiverWords(0), fine.format(alone.read), fine.format(alone.write), '1'],
            ...bursts.map(({ answersAfterMs, units: { read, write }, wakeUps }) => [
              `one of ${burstSize} at once`,
              receiverWords(answersAfterMs),
              ...[read, write, wakeUps].map((value) => fine.format(value)),
            ]),
          ],
          2,
        ),
      ],
      figures: [
        count('a delivery alone', 4.5, 'write units', alone.write),
        count('a delivery alone', 3, 'read units', alone.read),
        count('a delivery in a burst of 300', 4, 'write units', inBurst.write),
        count('a delivery in a burst of 300', 2.5, 'read units', inBurst.read),
      ],
    };
  },
};
