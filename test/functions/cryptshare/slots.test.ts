import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Slots, slotsFor } from '#functions/cryptshare/slots.ts';

/** Milliseconds before which no request is overdue in these tests. */
const patience = 15;

// The time in which requests become overdue passes as a test has it.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  return () => vi.useRealTimers();
});

/** Lets time pass until a promise is settled, and returns it. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (let turns = 0; turns < 100 && !isSettled; turns += 1) await vi.advanceTimersByTimeAsync(patience);
  return promise;
}

/** Requests that end as the test says. */
function server(all: number, shortest = patience) {
  const slots = slotsFor(all, shortest);
  const inFlight = new Map<string, PromiseWithResolvers<string>>();
  let most = 0;
  let count = 0;
  const ask = (mailbox: string) => {
    const name = `${mailbox}/${count}`;
    count += 1;
    const end = Promise.withResolvers<string>();
    const answered = slots.run(mailbox, (cut) => {
      inFlight.set(name, end);
      most = Math.max(most, inFlight.size);
      cut.onCancel = () => end.reject(new Error('cut off'));
      return end.promise.finally(() => inFlight.delete(name));
    });
    return Object.assign(answered, { name, end });
  };
  /** Resolves once a mailbox's request is overdue. */
  const overdue = (mailbox: string) => inTime(slots.untilHeldUp(mailbox, new Promise(() => {})));
  return { slots, ask, overdue, names: () => [...inFlight.keys()], most: () => most };
}
const settled = () => new Promise(setImmediate);
const ignore = () => undefined;

describe('Slots', () => {
  it('cuts off a hanging request when another mailbox waits and no slot is free', async () => {
    const { ask, overdue, names } = server(1);
    const hanging = ask('alice');
    const other = ask('bob');
    await expect(inTime(hanging)).rejects.toThrow('cut off');
    await settled();
    expect(names()).toEqual([other.name]);
    other.end.resolve('');
    await other;
    await overdue('alice');
  });

  it('cuts off no hanging request while only hanging mailboxes wait', async () => {
    const { ask, overdue, names } = server(2);
    const first = ask('alice');
    await overdue('alice');
    const again = ask('alice');
    const third = ask('alice');
    await settled();
    // The last slot is for those that do not hang.
    expect(names()).toEqual([first.name]);
    first.end.resolve('');
    await first;
    expect(names()).toEqual([again.name]);
    again.end.resolve('');
    await again;
    third.end.resolve('');
    await third;
  });

  it.each([2, 3, 4, 8])('keeps one of %i slots free of hanging mailboxes', async (all) => {
    const { ask, overdue, names } = server(all);
    const mailboxes = Array.from({ length: 3 * all }, (_, index) => `hanging-${index}`);
    const hanging = mailboxes.map(ask);
    for (const one of hanging) one.catch(ignore);
    const bob = ask('bob');
    bob.end.resolve('answered');
    expect(await inTime(bob)).toBe('answered');
    for (const mailbox of mailboxes) ask(mailbox).catch(ignore);
    await Promise.all(mailboxes.map(overdue));
    for (let index = 0; index < 5; index += 1) {
      const next = ask('bob');
      await settled();
      expect(names()).toContain(next.name);
      next.end.resolve('');
      await next;
    }
  });

  it('sends requests of mailboxes first that hung less often', async () => {
    const { ask, names } = server(1);
    for (const mailbox of ['alice', 'alice', 'carol']) {
      const hanging = ask(mailbox);
      const other = ask('bob');
      await expect(inTime(hanging)).rejects.toThrow('cut off');
      other.end.resolve('');
      await other;
    }
    const bob = ask('bob');
    const often = ask('alice');
    const seldom = ask('carol');
    bob.end.resolve('');
    await bob;
    await settled();
    expect(names()).toEqual([seldom.name]);
    for (const each of [seldom, often]) {
      each.end.resolve('');
      await each;
    }
  });

  it('holds a mailbox up until one of its requests is answered in time', async () => {
    const { slots, ask, overdue } = server(2);
    const hanging = ask('alice');
    await overdue('alice');
    hanging.end.resolve('');
    await hanging;
    expect(slots.isHeldUp('alice')).toBe(true);
    const prompt = ask('alice');
    await settled();
    prompt.end.resolve('');
    await prompt;
    expect(slots.isHeldUp('alice')).toBe(false);
  });

  it('cuts off nothing where all answers take long', async () => {
    const slots = slotsFor(2, patience);
    const slow = () => new Promise<string>((resolve) => setTimeout(resolve, 2 * patience, 'answered'));
    const rounds = Array.from({ length: 8 }, (_, index) =>
      slots.run(`m${index % 4}`, slow).catch((error: Error) => error.name),
    );
    await inTime(Promise.all(rounds));
    const mailboxes = ['n0', 'n1', 'n2', 'n3'];
    const answers = Promise.all(mailboxes.map((mailbox) => slots.run(mailbox, slow)));
    expect(await inTime(answers)).toEqual(Array(4).fill('answered'));
    expect(mailboxes.filter((mailbox) => slots.isHeldUp(mailbox))).toEqual([]);
  });

  it('never has more requests in flight than slots, and serves all (P17)', async () => {
    const asking = fc.array(fc.record({ mailbox: fc.nat(5), takes: fc.nat(3) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), asking, async (all, requests) => {
        const slots = slotsFor(all, 1);
        let inFlight = 0;
        const ends = requests.map(({ mailbox, takes }) =>
          slots
            .run(`${mailbox}`, async (cut) => {
              inFlight += 1;
              expect(inFlight).toBeLessThanOrEqual(all);
              for (let turn = 0; turn < takes && !cut.isCancelled; turn += 1) await vi.advanceTimersByTimeAsync(1);
              inFlight -= 1;
            })
            .then(() => 'over'),
        );
        expect(await Promise.all(ends)).toEqual(requests.map(() => 'over'));
      }),
      { numRuns: 50 },
    );
  });

  it('adds up shares, and lets requests wait when they get smaller', async () => {
    const { slots, ask, names } = server(4, 60_000);
    slots.share('one', 1);
    slots.share('other', 2);
    const asked = Array.from({ length: 5 }, (_, index) => ask(`m${index}`));
    await settled();
    expect(names()).toHaveLength(3);
    slots.share('other', 1);
    asked[0]!.end.resolve('');
    await asked[0];
    await settled();
    expect(names()).toHaveLength(2);
    slots.endShare('one');
    asked[1]!.end.resolve('');
    await asked[1];
    await settled();
    expect(names()).toHaveLength(1);
    slots.endShare('other');
    await settled();
    expect(names()).toHaveLength(3);
    for (const { end } of asked) end.resolve('');
    await Promise.all(asked);
  });
});

describe('Slots once the server is slow for all', () => {
  /** Lists mailboxes at once, each for 5 s. @returns mailboxes whose listings were cut off */
  async function cutOff(slots: Slots, mailboxes: readonly string[]): Promise<string[]> {
    const cut: string[] = [];
    const listed = mailboxes.map((mailbox) =>
      slots
        .run(mailbox, (cancellation) => {
          const { promise, resolve, reject } = Promise.withResolvers<void>();
          setTimeout(resolve, 5000);
          cancellation.onCancel = () => reject(new Error('cut off'));
          return promise;
        })
        .catch(() => cut.push(mailbox)),
    );
    await vi.advanceTimersByTimeAsync(60_000);
    await Promise.all(listed);
    return cut;
  }
  const twelve = Array.from({ length: 12 }, (_, index) => `slow-${index}`);

  it('cuts off one request, and waits for all others', async () => {
    const slots = slotsFor(4);
    for (let index = 0; index < 15; index += 1) await slots.run(`quick-${index}`, async () => undefined);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await cutOff(slots, twelve)).toEqual(['slow-0']);
  });

  it('cuts off no further listing because of quick answers that list nothing', async () => {
    const slots = slotsFor(5);
    const status = slots.run('status', () => new Promise((resolve) => setTimeout(resolve, 1000)), false);
    expect(await cutOff(slots, twelve)).toEqual(['slow-0']);
    await status;
  });
});
