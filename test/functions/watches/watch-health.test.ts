import { describe, expect, it } from 'vitest';
import type { WatchEvent, WatchProblem } from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { type Health, nextHealth, toldAlone } from '#functions/watches/watch-health.ts';

const origin = 'https://cryptshare.example.com';
const watch: Watch = { mailbox: 'alice@example.com', direction: 'sent' };
const timeout: WatchProblem = { cause: 'timeout', message: 'the server did not answer in time' };
const token: WatchProblem = { cause: 'token_invalid', message: 'verify the mailbox again' };
const well = undefined;
const at = (minute: number) => new Date(Date.UTC(2026, 10, 24, 0, minute)).toISOString();

/** Polls once a minute and returns what operators are told, by minute, of the only watch that fails. */
function live(problems: readonly (WatchProblem | undefined)[]) {
  const told: { minute: number; event: WatchEvent }[] = [];
  let health: Health | undefined;
  for (const [minute, problem] of problems.entries()) {
    let change = nextHealth(origin, watch, health, problem, problem === undefined, at(minute));
    if (change?.health?.sharedAt) change = toldAlone(origin, watch, change.health, at(minute));
    if (change) health = change.health;
    if (change?.event) told.push({ minute, event: change.event });
  }
  return { told, health };
}
/** Polls in letters: T ends in a timeout, V needs a verification, and a dot is well. */
const pollsOf = (text: string) => [...text].map((one) => ({ T: timeout, V: token })[one]);

describe('nextHealth', () => {
  it.each<{ what: string; polls: string; told: string[] }>([
    { what: 'nothing while all is well', polls: '..', told: [] },
    { what: 'nothing of two failed polls', polls: 'TT..', told: [] },
    { what: 'nothing of failed polls with pauses', polls: 'TT.TT', told: [] },
    { what: 'of the third failed poll in a row', polls: 'TTT', told: ['2 watch.failing'] },
    { what: 'once, however long it lasts', polls: 'T'.repeat(30), told: ['2 watch.failing'] },
    { what: 'of three with different causes', polls: 'TVT', told: ['2 watch.failing'] },
    { what: 'nothing new when the cause changes', polls: 'TTTVT', told: ['2 watch.failing'] },
    { what: 'once when it is well again', polls: 'TTTT..', told: ['2 watch.failing', '4 watch.recovered'] },
    {
      what: 'again when it fails again',
      ...{ polls: 'VVV.VVV.', told: ['2 watch.failing', '3 watch.recovered', '6 watch.failing', '7 watch.recovered'] },
    },
  ])('tells operators $what', ({ polls, told }) => {
    expect(live(pollsOf(polls)).told.map(({ minute, event }) => `${minute} ${event.type}`)).toEqual(told);
  });

  it('tells operators the latest cause, and since when polls fail', () => {
    const [failing] = live([timeout, timeout, token]).told;
    expect(failing?.event).toMatchObject({ timestamp: at(2), data: { ...watch, ...token, failingSince: at(0) } });
  });

  it('tells operators at the recovery since when polls failed', () => {
    const recovered = live([well, timeout, timeout, timeout, timeout, well]).told[1];
    expect(recovered?.event).toMatchObject({ timestamp: at(5), data: { ...watch, ...timeout, failingSince: at(1) } });
  });

  it('gives each event an id of its own, the same when the poll is repeated', () => {
    const polls = [token, token, token, well, token, token, token, well];
    const ids = (problems: typeof polls) => live(problems).told.map(({ event }) => event.id);
    expect(new Set(ids(polls)).size).toBe(4);
    expect(ids(polls)).toEqual(ids(polls));
    const health: Health = { failingSince: at(0), failures: 2, problem: timeout, isAnnounced: false };
    const later = toldAlone(origin, watch, { ...health, problem: token }, at(9)).event;
    expect(later?.id).toBe(toldAlone(origin, watch, health, at(2)).event?.id);
  });

  it('is undefined while the watch is well, and once operators are told', () => {
    expect(nextHealth(origin, watch, undefined, well, true, at(0))).toBeUndefined();
    const { health } = live([timeout, timeout, timeout]);
    expect(nextHealth(origin, watch, health, token, false, at(3))).toBeUndefined();
  });

  it('forgets failed polls at the first that is well', () => {
    expect(live([timeout, well]).health).toBeUndefined();
    expect(live([timeout, timeout, timeout, well]).health).toBeUndefined();
  });

  it.each([
    { name: 'the first', before: undefined },
    {
      name: 'one that a clock ahead has dated',
      before: { failingSince: at(600), failures: 2, isAnnounced: false },
    },
  ])('tells operators of a sudden absence after an hour: $name', ({ before }) => {
    const held: WatchProblem = { cause: 'absences_held', message: 'too many vanished' };
    let health: Health | undefined = before && { ...before, problem: held };
    const told = Array.from({ length: 70 }, (_, minute) => minute).filter((minute) => {
      const wasAnnounced = health?.isAnnounced === true;
      const change = nextHealth(origin, watch, health, held, true, at(minute));
      if (change) health = change.health;
      return health?.isAnnounced === true && !wasAnnounced;
    });
    expect(told).toEqual([60]);
  });

  it('dates incompleteSince by the first incomplete listing, not by the first problem', () => {
    const held: WatchProblem = { cause: 'absences_held', message: 'too many vanished' };
    const first = nextHealth(origin, watch, undefined, held, true, at(0))!.health;
    expect(first).not.toHaveProperty('incompleteSince');
    const second = nextHealth(origin, watch, first, token, false, at(1))!.health;
    expect(second).toMatchObject({ failingSince: at(0), incompleteSince: at(1) });
    const announced = nextHealth(origin, watch, second, token, false, at(2))!.health;
    expect(announced).toMatchObject({ isAnnounced: true, incompleteSince: at(1) });
    const complete = nextHealth(origin, watch, announced, held, true, at(3))!;
    expect(complete.event).toBeUndefined();
    expect(complete.health).not.toHaveProperty('incompleteSince');
  });
});

describe('nextHealth of a cause that watches share', () => {
  const unverified: WatchProblem = { cause: 'not_verified', message: 'not verified' };
  const refused: WatchProblem = { cause: 'unreachable', message: 'ECONNREFUSED' };
  /** Polls once a minute, and never tells of the watch alone. */
  function shared(problems: readonly (WatchProblem | undefined)[]) {
    let health: Health | undefined;
    let writes = 0;
    for (const [minute, problem] of problems.entries()) {
      const change = nextHealth(origin, watch, health, problem, problem === undefined, at(minute));
      expect(change?.event).toBeUndefined();
      if (change) writes += 1;
      if (change) health = change.health;
    }
    return { health, writes };
  }

  it('sets sharedAt at the third poll, and stores nothing after that', () => {
    const { health, writes } = shared(Array(20).fill(unverified));
    expect(health).toMatchObject({ isAnnounced: true, sharedAt: at(2), failingSince: at(0) });
    expect(writes).toBe(3);
  });

  it('makes no event at the recovery', () => {
    expect(shared([unverified, unverified, unverified, undefined]).health).toBeUndefined();
  });

  it('changes to another cause at the third poll in a row with it', () => {
    const three = [unverified, unverified, unverified];
    const { health } = shared([...three, refused, refused, refused]);
    expect(health).toMatchObject({ problem: refused, sharedAt: at(5), failingSince: at(3), incompleteSince: at(0) });
    expect(health).not.toHaveProperty('turn');
    expect(shared([...three, refused, refused, unverified]).health).toEqual(shared([...three, unverified]).health);
    expect(shared([...three, refused, refused, unverified, refused]).health).toMatchObject({ problem: unverified });
  });

  it('keeps the cause while a proxy reports the outage now and then', () => {
    const proxy: WatchProblem = { cause: 'proxy_failed', message: 'proxy.example.com: HTTP 503' };
    const { health, writes } = shared([timeout, proxy, timeout, proxy, proxy, proxy]);
    expect(health).toMatchObject({ problem: timeout, sharedAt: at(2) });
    expect(writes).toBe(3);
  });

  it('keeps one outage while the server is unreachable, silent or faulty in turn', () => {
    const fault: WatchProblem = { cause: 'server_fault', message: 'HTTP 503' };
    const { health, writes } = shared([refused, timeout, fault, refused, refused, refused, timeout, fault]);
    expect(health).toMatchObject({ problem: fault, sharedAt: at(2) });
    expect(writes).toBe(3);
  });
});
