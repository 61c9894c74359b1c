import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Part, stopInTime, stopWithin } from '#infra/local/process/stopping.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Milliseconds, or never. */
type Duration = number | undefined;

/** A part that ends some time after its stop, and gives its work back within another time. */
class TimedPart implements Part {
  stoppedAt: number | undefined;
  hasEnded = false;
  wasGivenBack = false;
  readonly ended: Promise<void>;
  private readonly name: string;
  private readonly end: () => void;
  private readonly duration: Duration;
  private readonly giveBackDuration: Duration;

  constructor(name: string, duration: Duration, giveBackDuration: Duration = 0) {
    this.name = name;
    this.duration = duration;
    this.giveBackDuration = giveBackDuration;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.end = () => {
      this.hasEnded = true;
      resolve();
    };
  }

  stop(): void {
    if (this.stoppedAt !== undefined) return;
    this.stoppedAt = performance.now();
    if (this.duration !== undefined) setTimeout(this.end, this.duration);
  }

  unfinished = () => (this.hasEnded ? [] : [this.name]);

  release(): Promise<void> {
    this.wasGivenBack = true;
    return new Promise((resolve) => {
      if (this.giveBackDuration !== undefined) setTimeout(resolve, this.giveBackDuration);
    });
  }
}

async function stopped(stages: readonly (readonly Part[])[]) {
  const said: string[] = [];
  const started = performance.now();
  let took: number | undefined;
  const outcome = stopInTime(stages, (text) => said.push(text)).finally(() => {
    took = performance.now() - started;
  });
  await vi.advanceTimersByTimeAsync(stopWithin);
  return { isWhole: await outcome, said, took };
}

describe('stopInTime', () => {
  it('stops at once when nothing is in flight', async () => {
    const part = new TimedPart('1 listing', 0);
    part.unfinished = () => [];
    expect(await stopped([[part]])).toEqual({ isWhole: true, said: ['stopping'], took: 0 });
  });

  it('says at once what it waits for, again when it takes long, and what it gives up', async () => {
    const parts = [
      new TimedPart('1 listing (sent by alice@example.com)', undefined),
      new TimedPart('2 deliveries', 4000),
    ];
    const { isWhole, said } = await stopped([parts]);
    expect(said).toEqual([
      'stopping: waits for 1 listing (sent by alice@example.com) and 2 deliveries, at most 8 s',
      'stopping: still waits for 1 listing (sent by alice@example.com) and 2 deliveries',
      'stopping: gives up 1 listing (sent by alice@example.com); the next start makes up for it',
    ]);
    expect(isWhole).toBe(false);
  });

  it('stops a later stage after the earlier ones have ended', async () => {
    const [polls, printing] = [new TimedPart('1 listing', 1500), new TimedPart('', 10)];
    await stopped([[polls], [printing]]);
    expect(printing.stoppedAt).toBe(polls.stoppedAt! + 1500);
  });

  it('ends before its deadline whatever hangs, and gives back what has not ended (P24)', async () => {
    const duration = fc.option(fc.nat(10_000), { nil: undefined });
    const stages = fc.array(fc.array(fc.tuple(duration, duration), { maxLength: 3 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(stages, async (durations) => {
        const parts = durations.map((stage) =>
          stage.map(([ends, givesBack]) => new TimedPart('work', ends, givesBack)),
        );
        const { isWhole, took } = await stopped(parts);
        expect(took).toBeLessThan(stopWithin);
        expect(stopWithin).toBeLessThan(8000);
        expect(isWhole).toBe(parts.flat().every(({ hasEnded, wasGivenBack }) => hasEnded && !wasGivenBack));
        if (!isWhole) expect(parts.flat().every((part) => part.wasGivenBack)).toBe(true);
      }),
    );
  });
});
