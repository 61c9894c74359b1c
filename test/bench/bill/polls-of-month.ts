import type { Units } from '#functions/dynamodb/partition.ts';
import { assumed } from './assumptions.ts';
import type { Installation } from './installations.ts';
import type { MeasuredUse } from './measured-use.ts';
import {
  gigabyteSeconds,
  hoursWithChange,
  kept,
  logged,
  minutesOfMonth,
  publicationsOf,
  secretCalls,
} from './quantities.ts';

/** Watches polled at the same time in one invocation. */
const watchesAtOnce = 8;

/** Milliseconds between two ticks of a shard. */
const tickMs = 60_000;

/** Part of the polls of a watch that list all of its transfers. */
const fullShare = ({ fullListingEvery }: Installation): number => 1 / fullListingEvery;

/** The mean over all polls of a watch, of which some list all transfers and the others the active ones. */
const mean = (installation: Installation, all: number, active: number): number =>
  fullShare(installation) * all + (1 - fullShare(installation)) * active;

/** Requests of an average poll that finds nothing changed. */
export const requestsOfPoll = (installation: Installation, { polls: { all, active } }: MeasuredUse): number =>
  mean(installation, all.requests, active.requests);

/** Milliseconds of an invocation that polls a number of watches and finds nothing changed. */
export function pollDuration(watches: number, installation: Installation, measured: MeasuredUse): number {
  const { pagesAtOnce, pageLatency } = installation;
  const { polls, deployed } = measured;
  const { all, active } = polls;
  // The first page and the one that shows the end have to be waited for. Those between come several at once.
  const roundsOf = (requests: number) => Math.min(requests, 2) + Math.max(0, Math.ceil((requests - 2) / pagesAtOnce));
  const requests = requestsOfPoll(installation, measured);
  const rounds = Math.max(
    // Among few watches one may be alone with a full listing.
    Math.min(1, watches * fullShare(installation)) * roundsOf(all.requests),
    (watches * requests) / pagesAtOnce,
    (watches * mean(installation, roundsOf(all.requests), roundsOf(active.requests))) / watchesAtOnce,
  );
  const waiting = rounds * pageLatency + Math.max(1, watches / watchesAtOnce) * assumed('watchOverhead');
  const cpu = mean(installation, all.cpu, active.cpu);
  const computing = (watches * cpu * assumed('memoryOfOneCpu')) / deployed.memory.poll;
  return assumed('pollOverhead') + Math.max(waiting, computing);
}

/** Shards that can poll everything due at a tick well before the next one, while no watch is quiet. */
export function shardsFor(installation: Installation, measured: MeasuredUse): number {
  const { watches, every } = installation;
  const limit = assumed('fullShard') * tickMs;
  const fits = (shards: number) => pollDuration(Math.ceil(watches / shards / every), installation, measured) <= limit;
  let shards = 1;
  while (shards < watches && !fits(shards)) shards += 1;
  return shards;
}

/** Calculates the polls of a month. */
export function pollsOf(installation: Installation, measured: MeasuredUse) {
  const { watches, transfers, every, quietEvery = every, together, clientIdLength, pageLatency } = installation;
  const { polls: use, registry, logs, requestBytes, deployed } = measured;
  const minutes = minutesOfMonth();
  const shards = shardsFor(installation, measured);
  // Part of the time in which a watch has its usual interval: it has changed within the hour.
  const busy =
    installation.quietEvery === undefined ? 1 : hoursWithChange(installation.changes, installation.changingHours);
  const polls = watches * minutes * (busy / every + (1 - busy) / quietEvery);
  const ticks = shards * minutes;
  // With few watches that are polled seldom, nothing is due at most ticks.
  const busyTicks = Math.min(ticks, polls);
  const duration = pollDuration(polls / busyTicks, installation, measured);
  const changes = watches * installation.changes;
  const findings = changes / together;
  const quietPolls = Math.max(0, polls - findings);
  const each = (of: (watch: typeof use.all) => number) => mean(installation, of(use.all), of(use.active));
  const units = (kind: keyof Units) =>
    polls * each((watch) => watch[kind]) +
    changes * each(({ change }) => change[kind]) +
    ticks * use.tick[kind] +
    busyTicks * use.busyTick[kind];
  // The time of a watch's last change is recorded only where quiet ones are polled more seldom.
  const notes = installation.quietEvery === undefined ? 0 : findings;
  const own = watches / shards;
  // The first unit is part of what each tick takes.
  const registryReads = Math.max(0, Math.ceil(own * registry.own + (watches - own) * registry.others) - 1);
  const requests = polls * each((watch) => watch.requests) + changes * each(({ change }) => change.requests);
  const dataOut = (requests * (requestBytes + clientIdLength + assumed('packetBytes'))) / 1e9;
  const waited =
    busyTicks * duration + (ticks - busyTicks) * assumed('pollOverhead') + findings * assumed('changeDuration');
  return {
    shards,
    changes,
    /** To the Cryptshare Server. */
    requests,
    /** GB of these requests. */
    dataOut,
    /** Requests in flight, on average, while every watch is polled in its shortest interval. */
    requestsAtOnce: ((watches / every / 60) * requestsOfPoll(installation, measured) * pageLatency) / 1000,
    quantities: {
      dynamoReads: units('read') + ticks * registryReads,
      dynamoWrites: units('write') + notes,
      ...kept(watches * transfers * use.transferBytes),
      lambdaCompute: gigabyteSeconds(deployed.memory.poll, waited),
      lambdaRequests: ticks,
      schedulerInvocations: ticks,
      snsPublishes: publicationsOf(changes, together),
      secretCalls: secretCalls(ticks, shards),
      ...logged(ticks * (logs.tick + deployed.platformLog) + quietPolls * logs.quiet + findings * logs.changed),
      dataOut,
    },
  };
}

/**
 * Calculates the watches of an installation's kind for which an interval can be kept.
 *
 * @param every minutes
 * @param atOnce requests to the server that may be in flight, over all shards
 */
export function mostWatches(installation: Installation, measured: MeasuredUse, every: number, atOnce: number): number {
  const listings = requestsOfPoll(installation, measured) * installation.pageLatency;
  return Math.floor((assumed('fullShard') * every * tickMs * atOnce) / listings);
}
