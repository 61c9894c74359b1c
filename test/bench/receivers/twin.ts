import { type Section, tableOf, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number, spread } from '#test/bench/table.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { DevelopersReceiver, secret } from '#test/infra/receivers/developers-receiver.ts';

const rounds = 3;

/** Speeds of the twin: that of the documented command, and more than any machine reaches. */
const speeds = [100_000, 10_000_000];

/** Has a receiver verify the month of a mailbox, which `listen --twin` forwards in a process of its own. */
export const twinMonth: Section = {
  name: 'twin',
  what: 'the month of a mailbox, forwarded to a receiver',
  async measure({ progress }) {
    const measured = [];
    for (const speed of speeds) {
      const seconds: number[] = [];
      let events = 0;
      for (let round = 1; round <= rounds; round += 1) {
        progress(`  ${speed} times as fast, round ${round} of ${rounds}`);
        const month = await forwardMonth(speed);
        seconds.push(month.seconds);
        events = month.events;
      }
      measured.push({ speed, events, seconds: spreadOf(seconds) });
    }
    return {
      measured,
      tables: [
        tableOf(
          'twin',
          'Month of a mailbox by listen --twin --seed 7, verified by a receiver: median (least to greatest)',
          ['speed', 'rounds', 'events', 'seconds from the start to the end'],
          measured.map(({ speed, events, seconds }) => [
            ...[number.format(speed), String(rounds), number.format(events), spread(seconds)],
          ]),
        ),
      ],
      figures: [time('month of a mailbox, forwarded to a receiver', 30, 's', measured[0]!.seconds)],
    };
  },
};

/** @throws Error unless the receiver has verified each event once */
async function forwardMonth(speed: number) {
  const receiver = new DevelopersReceiver();
  await receiver.start();
  const began = performance.now();
  const args = ['listen', '--twin', '--seed', '7', '--speed', String(speed), '--forward-to', receiver.url];
  const program = [process.execPath, 'infra/cli/main.ts'];
  const run = new LocalRun(args, { WEBHOOK_SECRET: secret }, { program });
  const code = await run.exit();
  const seconds = (performance.now() - began) / 1000;
  await receiver.kill();
  const events = new Set(receiver.taken.map(({ id }) => id)).size;
  if (code !== 0 || events === 0 || events !== receiver.taken.length)
    throw new Error(
      `listen ended with ${code}, expected 0: ${events} events, ${receiver.taken.length} requests; ${run.stderr}`,
    );
  return { seconds, events };
}
