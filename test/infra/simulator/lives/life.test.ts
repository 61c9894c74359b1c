import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { historyOf } from '#infra/simulator/lives/history.ts';
import { startLife } from '#infra/simulator/lives/life.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';

let server: CryptshareServer;
let time = 0;
const steady = () => time;

beforeEach(async () => {
  server = await startCryptshareServer();
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(async () => {
  vi.useRealTimers();
  await server.close();
});

const history = historyOf(`
  {"at":"2026-03-02T09:00:00Z","transfer":1,"is":"sent"}
  {"at":"2026-03-02T09:00:00Z","transfer":1,"is":"ends","expiresAt":"2026-03-04T09:00:00Z"}
  {"at":"2026-03-02T10:00:00Z","transfer":1,"is":"state","state":"ACTIVE"}
  {"at":"2026-03-02T11:00:00Z","transfer":1,"is":"downloaded","recipient":1}
  {"at":"2026-03-02T12:00:00Z","transfer":2,"is":"sent"}`);
const from = Date.parse(history[0]!.at);

function passMinutes(minutes: number): void {
  time += minutes * 60_000;
  vi.advanceTimersByTime(100);
}

const states = () => server.transfers.newest(0, 10).map(({ state }) => state);

it('happenings come as many times faster as wanted, and leave the clock of the server right', () => {
  const end = startLife(server, { history, from, speed: 60, steady });
  expect(states()).toEqual(['PROCESSING']);
  const { expiresAt } = server.transfers.newest(0, 1)[0]!;
  expect(Math.abs(expiresAt! - Date.now() - 2 * 86_400_000)).toBeLessThan(60_000);
  passMinutes(1);
  expect(states()).toEqual(['ACTIVE']);
  passMinutes(2);
  expect(states()).toEqual(['PROCESSING', 'ACTIVE']);
  end();
});

it('what a person has done stands, and a life goes on without what that makes impossible', () => {
  const end = startLife(server, { history, from, speed: 60, steady });
  const { trackingId } = server.transfers.newest(0, 1)[0]!;
  server.transfers.setState(trackingId, 'DELETED_BY_ADMIN');
  passMinutes(3);
  expect(states()).toEqual(['PROCESSING', 'DELETED_BY_ADMIN']);
  end();
});

it('a life that goes on for ever forgets the oldest of 10,000 transfers that are not listed any more', () => {
  const at = '2026-03-02T09:00:00Z';
  function* endless() {
    for (let transfer = 1; transfer <= 10_002; transfer += 1) {
      yield { at, transfer, is: 'sent', mailbox: 1, direction: 'sent', recipients: 1, files: 1 } as const;
      yield { at, transfer, is: 'unlisted' } as const;
    }
    yield { at, transfer: 2, is: 'listed' } as const;
    yield { at, transfer: 3, is: 'listed' } as const;
  }
  startLife(server, { history: endless(), from, speed: 60, steady })();
  const known = server.transfers.newest(0, 20_000);
  expect(known).toHaveLength(10_000);
  expect(known.filter(({ purged }) => !purged).map(({ number }) => number)).toEqual([3]);
});

it('a life that is ended, or over, looks for nothing more', () => {
  const end = startLife(server, { history, from, speed: 60, steady });
  end();
  passMinutes(1);
  expect(states()).toEqual(['PROCESSING']);
  startLife(server, { history, from, speed: 60, steady });
  passMinutes(3);
  expect(vi.getTimerCount()).toBe(0);
});

it('a fault of the simulated server itself is not taken for a happening that is impossible', () => {
  vi.spyOn(server.transfers, 'create').mockImplementationOnce(() => {
    throw new Error('broken');
  });
  expect(() => startLife(server, { history, from, speed: 60, steady })).toThrow('broken');
});
