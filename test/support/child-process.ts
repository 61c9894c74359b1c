import { resolve } from 'node:path';

/** Environment of processes that tests start: their code is compiled once, where the product keeps it, too. */
export const childEnvironment = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: resolve('node_modules/.cache/compiled'),
} as const;

/**
 * Expression by which a script tells the most memory that it had in use, in KB. `resourceUsage().maxRSS` does not: on
 * Linux it begins with that of the process that started it.
 */
export const peakMemory =
  "Number(/^VmHWM:\\s+(\\d+) kB$/m.exec(process.getBuiltinModule('node:fs').readFileSync('/proc/self/status', 'utf8'))[1])";
