import type { Direction } from '#functions/transfers/transfer.ts';
import { ServerClock } from './clock.ts';
import { Faults } from './faults.ts';
import { SeededRandom } from './random.ts';
import { RequestCounters } from './requests.ts';
import { defaultSwitches, type Switches } from './switches.ts';
import { TransferStore } from './transfers.ts';
import { Verifications } from './verifications.ts';

/** Page of a listing that the server is about to answer. */
interface PageRequest {
  readonly mailbox: string;
  readonly direction: Direction;
  readonly page: number;
}

export interface SimulationOptions {
  /**
   * True time, from which the switches may shift the server's clock.
   * @default - the time of this machine
   */
  readonly now?: () => Date;
  /**
   * Seed of all identifiers: the same seed and calls give the same identifiers.
   * @default 1
   */
  readonly seed?: number;
  /** @default - see `defaultSwitches` */
  readonly switches?: Partial<Switches>;
}

/** State of a simulated server: everything but its connections. */
export type Simulation = ReturnType<typeof createSimulation>;

export function createSimulation(options: SimulationOptions) {
  const switches: Switches = { ...defaultSwitches, ...options.switches };
  const clock = new ServerClock(options.now ?? (() => new Date()), switches);
  const shared = { clock, random: new SeededRandom(options.seed ?? 1), switches };
  const verifications = new Verifications(shared);
  const onSent = (sender: string) => verifications.restartIdleTerm(sender);
  return {
    ...shared,
    transfers: new TransferStore({ ...shared, onSent }),
    verifications,
    faults: new Faults(),
    requests: new RequestCounters(),
    /** Awaited before each page, so that transfers can come and go within one listing. */
    pageListeners: new Set<(request: PageRequest) => void | Promise<void>>(),
  };
}
