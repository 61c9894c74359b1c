import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const program = `
const Real = Date;
const [first, ...steps] = process.env.CLOCK_STEPS.split(',').map(Number);
let offset = first;
process.on('SIGUSR2', () => { offset += steps.shift(); });
globalThis.Date = class Date extends Real {
  constructor(...parts) { if (parts.length) super(...parts); else super(Real.now() + offset); }
  static now() { return Real.now() + offset; }
};`;

/**
 * Variables that start the clock of a process with an offset, and set it by the next step at each SIGUSR2.
 *
 * @param folder for a file that the process loads
 * @param steps milliseconds, of which the first are the offset
 */
export function settableClock(folder: string, ...steps: readonly number[]): Record<string, string> {
  const file = join(folder, 'clock.mjs');
  writeFileSync(file, program);
  return { NODE_OPTIONS: `--import=${file}`, CLOCK_STEPS: steps.join(',') };
}
