import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { PollDependencies } from '#functions/poll/dependencies.ts';
import type { PlainServer } from '#test/bench/polls/plain-server.ts';
import type { Services } from '#test/bench/processes/services.ts';
import type { Spread } from './spread.ts';
import { table } from './table.ts';

/** Dependencies of polls, with the table that the other ways use as well. */
export interface BenchDependencies extends PollDependencies {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
}

/** A part of the benchmark that can be measured by itself. */
export interface Section {
  /** Its name on the command line. */
  readonly name: string;
  /** Printed when it begins. */
  readonly what: string;
  measure(bench: Bench): Promise<Result> | Result;
}

/** Everything that sections measure with. */
export interface Bench {
  readonly services: Services;
  /** Dependencies of the project's own poll. */
  readonly deps: BenchDependencies;
  /** The Cryptshare Server read in the plainest way. */
  readonly server: PlainServer;
  /** Numbers of transfers of the mailboxes that are polled, ascending. */
  readonly sizes: readonly number[];
  /** Number of events that are stored while pages of lists are read. */
  readonly stored: number;
  /** A checkout of Postel, built, and an empty database for it. */
  readonly postel: { readonly folder: string; readonly database: string } | undefined;
  /** Says what is measured next. */
  progress(text: string): void;
}

/** The result of a section. */
export interface Result {
  readonly tables: readonly Table[];
  readonly figures?: readonly Figure[];
  /** Everything that was measured, for `--json`. */
  readonly measured: unknown;
}

/** A table of the report. */
export interface Table {
  /** Names the place for it in the page of the benchmarks. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** Makes a table of the report from its heading and rows. */
export const tableOf = (id: string, title: string, ...columns: Parameters<typeof table>): Table => ({
  id,
  title,
  text: table(...columns),
});

/** One of the figures that the design promises. */
export interface Figure {
  readonly what: string;
  /** For example `≤ 400 KB`. */
  readonly promise: string;
  readonly measured: Spread;
  readonly isReached: boolean;
}

const spreadFrom = (measured: Spread | number): Spread =>
  typeof measured === 'number' ? { least: measured, median: measured, greatest: measured } : measured;

const atMost =
  (decisive: keyof Spread) =>
  (what: string, limit: number, unit: string, measured: Spread | number): Figure => {
    const spread = spreadFrom(measured);
    return { what, promise: `≤ ${limit} ${unit}`, measured: spread, isReached: spread[decisive] <= limit };
  };

/** A count that is promised at most: the worst round decides. */
export const count = atMost('greatest');

/** A time or a ratio of times that is promised at most: the median decides. */
export const time = atMost('median');

/** A rate that is promised at least. */
export const rate = (what: string, limit: number, unit: string, measured: number): Figure => ({
  what,
  promise: `≥ ${limit} ${unit}`,
  measured: spreadFrom(measured),
  isReached: measured >= limit,
});
