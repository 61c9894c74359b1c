import type { Direction } from '#functions/transfers/transfer.ts';
import { ServerClock } from './clock.ts';
import { Faults } from './faults.ts';
import { SeededRandom } from './random.ts';
import { RequestCounters } from './requests.ts';
import { defaultSwitches, type Switches } from './switches.ts';
import { TransferStore } from './transfers.ts';
import { Verifications } from './verifications.ts';

/** The page of a listing that is about to be answered. */
export interface PageRequest {
  readonly mailbox: string;
  readonly direction: Direction;
  readonly page: number;
}

/** The state of a simulated server: everything but its connections. */
export interface Simulation {
  readonly clock: ServerClock;
  readonly random: SeededRandom;
  readonly switches: Switches;
  readonly transfers: TransferStore;
  readonly verifications: Verifications;
  readonly faults: Faults;
  readonly requests: RequestCounters;
  /** Called, and awaited, before a page is answered, so that transfers can come and go within one listing. */
  readonly pageListeners: Set<(request: PageRequest) => void | Promise<void>>;
}

/** What a {@link Simulation} starts from. */
export interface SimulationOptions {
  /**
   * The true time, from which the switches may take the server's clock away.
   * @default - the time of this machine
   */
  readonly now?: () => Date;
  /**
   * Seed of all identifiers: the same seed and the same calls give the same ones.
   * @default 1
   */
  readonly seed?: number;
  /**
   * Switches to start with.
   * @default - see `defaultSwitches`
   */
  readonly switches?: Partial<Switches>;
}

/** A server to which nothing has happened yet. */
export function createSimulation(options: SimulationOptions): Simulation {
  const switches = { ...defaultSwitches, ...options.switches };
  const clock = new ServerClock(options.now ?? (() => new Date()), switches);
  const random = new SeededRandom(options.seed ?? 1);
  const verifications = new Verifications({ clock, random, switches });
  const onSent = (sender: string) => verifications.restartIdleTerm(sender);
  return {
    clock,
    random,
    switches,
    transfers: new TransferStore({ clock, random, switches, onSent }),
    verifications,
    faults: new Faults(),
    requests: new RequestCounters(),
    pageListeners: new Set(),
  };
}
