import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a task cost this process. */
export interface Measurement<T> {
  readonly result: T;
  /** Milliseconds of CPU, user and system, of all threads. */
  readonly cpu: number;
  /** Milliseconds by the clock. */
  readonly wall: number;
  /** Megabytes (10^6 bytes) by which heap and array buffers grew at most, garbage not yet collected included. */
  readonly heapGrowth: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type HeapSize = { readonly used: number; readonly external: number };

/**
 * Runs a task and measures it. The heap is largest just before a garbage collection or at the end, so looking there
 * misses no peak.
 */
export async function measured<T>(task: () => T | Promise<T>): Promise<Measurement<T>> {
  collectGarbage();
  const { used, external } = heapSize();
  const profiler = new GCProfiler();
  profiler.start();
  const cpuBefore = process.cpuUsage();
  const wallBefore = performance.now();
  const result = await task();
  const wall = performance.now() - wallBefore;
  const { user, system } = process.cpuUsage(cpuBefore);
  const sizes: HeapSize[] = [
    heapSize(),
    ...profiler.stop().statistics.map(({ beforeGC: { heapStatistics } }) => ({
      used: heapStatistics.usedHeapSize,
      external: heapStatistics.externalMemory,
    })),
  ];
  const peak = Math.max(...sizes.map((size) => size.used + size.external));
  return { result, cpu: (user + system) / 1000, wall, heapGrowth: (peak - used - external) / 1e6 };
}

/** Milliseconds of CPU, user and system, of all threads, that a task without waiting takes. */
export function cpuOf(task: () => void): number {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function heapSize(): HeapSize {
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return { used, external };
}
