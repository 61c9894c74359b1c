import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Runs a task and measures milliseconds of CPU, user and system, of all threads, and milliseconds by the clock.
 * Measures also the megabytes (10^6 bytes) by which heap and array buffers grew at most, with uncollected garbage. The
 * heap is largest just before a garbage collection or at the end, so looking there misses no peak.
 */
export async function measure<T>(task: () => T | Promise<T>) {
  collectGarbage();
  const heapBefore = heapSize();
  const profiler = new GCProfiler();
  profiler.start();
  const cpuBefore = cpuSoFar();
  const wallBefore = performance.now();
  const result = await task();
  const wallMs = performance.now() - wallBefore;
  const cpuMs = cpuSoFar() - cpuBefore;
  const peaks = profiler
    .stop()
    .statistics.map(({ beforeGC: { heapStatistics: heap } }) => heap.usedHeapSize + heap.externalMemory);
  return { result, cpuMs, wallMs, heapGrowth: (Math.max(heapSize(), ...peaks) - heapBefore) / 1e6 };
}

/** Milliseconds of CPU, user and system, that this process has used so far. */
export function cpuSoFar(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of CPU that a task takes; where it waits, that of everything else is counted with it. */
export async function cpuOf(task: () => unknown): Promise<number> {
  const before = cpuSoFar();
  await task();
  return cpuSoFar() - before;
}

function heapSize(): number {
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return used + external;
}

/** Unix time in milliseconds with fractions, alike in all processes of this machine. */
export const instant = (): number => performance.timeOrigin + performance.now();
