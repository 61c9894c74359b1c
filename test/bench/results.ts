import type { Safety } from './approach.ts';
import type { BundleCosts } from './bundles.ts';
import type { BurstTime } from './burst.ts';
import type { BurstUnits } from './burst-units.ts';
import type { ComparisonCost } from './comparison.ts';
import type { CrashRecovery } from './crash.ts';
import type { HourlyLoad } from './hourly-load.ts';
import type { InstallationBill, SharedUse } from './installation-bills.ts';
import type { MonthlyCost } from './monthly-cost.ts';
import type { NeighbourLatency } from './neighbours.ts';
import type { Section } from './options.ts';
import type { PageReadingTime } from './page-reading.ts';
import type { PollCost } from './scenarios.ts';
import type { Spread } from './spread.ts';
import type { ContestantSpeed } from './throughput.ts';
import type { Deployed, EventUnits } from './use.ts';
import type { WarmCpu } from './warm-cpu.ts';

/** One of the figures that the design promises. */
export interface Figure {
  readonly what: string;
  /** The promise: at most so much, or at least. */
  readonly limit: number;
  readonly isLeast?: boolean;
  readonly unit: string;
  /** Undefined when this run has not measured it. */
  readonly measured: Spread | undefined;
  /** Held by the worst round where a count is promised, by the median where a time is. */
  readonly isReached: boolean | undefined;
}

/** Everything that one run has measured; what was not asked for, or has failed, is empty or undefined. */
export interface Report {
  /** ISO 8601. */
  readonly startedAt: string;
  /** Seconds. */
  readonly duration: number;
  readonly machine: string;
  readonly cores: number;
  /** Version of Node.js. */
  readonly node: string;
  /** Processes that ran or wanted to, on average over the last minute of each section, its own included. */
  readonly loads: Readonly<Partial<Record<Section, number>>>;
  /** Why sections could not be measured. */
  readonly failures: Readonly<Partial<Record<Section, string>>>;
  readonly polls: readonly PollCost[];
  readonly ways: readonly Safety[];
  readonly comparisons: readonly ComparisonCost[];
  readonly pageReading: PageReadingTime | undefined;
  readonly hourlyLoad: readonly HourlyLoad[];
  readonly warm: WarmCpu | undefined;
  readonly bursts: readonly BurstTime[];
  readonly contestants: readonly ContestantSpeed[];
  readonly neighbours: NeighbourLatency | undefined;
  readonly crashes: readonly CrashRecovery[];
  readonly bundles: BundleCosts | undefined;
  readonly months: readonly MonthlyCost[];
  readonly units: { readonly bursts: readonly BurstUnits[]; readonly alone: EventUnits } | undefined;
  readonly bills: readonly InstallationBill[];
  /** What the costs of a million deliveries are reckoned from. */
  readonly deliveries: { readonly measured: SharedUse; readonly deployed: Deployed } | undefined;
  readonly figures: readonly Figure[];
}
