import type { SeededRandom } from './random.ts';
import type { Switches } from './switches.ts';

/** Parts of a simulated server that its other parts share. */
export interface SharedParts {
  readonly clock: ServerClock;
  readonly random: SeededRandom;
  readonly switches: Readonly<Switches>;
}

/**
 * Clock of the simulated server, with the time zone and the error that the switches set. Instants are milliseconds
 * since 1970, as a `Date` for each would slow down seeding a log of 100,000 transfers.
 */
export class ServerClock {
  private readonly trueTime: () => Date;
  private readonly switches: Readonly<Switches>;
  /** Instant formatted last, as an answer names one instant thousands of times. */
  private last = { at: 0, text: '1970-01-01T00:00:00' };

  constructor(trueTime: () => Date, switches: Readonly<Switches>) {
    this.trueTime = trueTime;
    this.switches = switches;
  }

  /** Server's own time, with its error. */
  now(): number {
    return this.trueTime().getTime() + this.switches.clockOffsetMs;
  }

  /**
   * Formats ISO 8601 to the second with a numeric offset: `2020-10-09T11:51:46+02:00` (REST API 1.8 document).
   *
   * @param offset minutes east of UTC
   */
  format(at: number, offset = this.switches.utcOffsetMinutes): string {
    const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0');
    const minutes = String(Math.abs(offset) % 60).padStart(2, '0');
    return `${this.localTime(at, offset)}${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
  }

  /** Formats the start of a tracking id: local time as `YYYYMMDD-HHMMSS`. */
  stamp(at: number): string {
    return this.localTime(at).replaceAll(/[-:]/g, '').replace('T', '-');
  }

  private localTime(at: number, offset = this.switches.utcOffsetMinutes): string {
    const local = at + offset * 60_000;
    if (local !== this.last.at) this.last = { at: local, text: new Date(local).toISOString().slice(0, 19) };
    return this.last.text;
  }
}
