import type { CryptshareServer } from '#infra/simulator/server.ts';
import type { Happening } from './history.ts';
import { HistoryPlayer } from './player.ts';

/** Milliseconds between two looks for happenings that are due. */
const lookMs = 100;

export interface LifeOptions {
  readonly history: Iterable<Happening>;
  /** Unix milliseconds in the time of the history, which is now. */
  readonly from: number;
  /** Seconds of the history in one of the clock. */
  readonly speed: number;
  /** Milliseconds of a clock that never goes back. */
  readonly steady: () => number;
}

/**
 * Lets a history take place on a simulated server, whose clock stays right: only the happenings come faster. A
 * change by a person stands; happenings that it makes impossible are left out.
 *
 * @returns ends it
 */
export function startLife(server: CryptshareServer, { history, from, speed, steady }: LifeOptions): () => void {
  const player = new HistoryPlayer(server, history);
  const began = steady();
  const look = () => {
    const until = from + (steady() - began) * speed;
    while (player.nextAt !== undefined && player.nextAt <= until) player.play();
    if (player.nextAt === undefined) clearInterval(looking);
  };
  let looking: NodeJS.Timeout | undefined;
  look();
  if (player.nextAt !== undefined) looking = setInterval(look, lookMs);
  return () => clearInterval(looking);
}
