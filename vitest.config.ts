import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { MixedOrder } from './test/support/mixed-order.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/outside/**', 'test/browser/**'],
    // A machine may be slow: only what hangs is to run into these.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    // Each worker loads what many files import only once, which halves the time; so no test may leave anything behind.
    isolate: false,
    // Half of the tests mostly wait for processes, and take turns with the others: four workers keep two cores busy.
    maxWorkers: 2 * availableParallelism(),
    sequence: { sequencer: MixedOrder },
    coverage: {
      include: ['functions/**/*.ts', 'infra/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      // Percentages. What a test runs in a process of its own, such as `npm start`, does not count.
      thresholds: {
        'functions/**': { statements: 96, branches: 94, functions: 95, lines: 96 },
        'infra/**': { statements: 84, branches: 81, functions: 84, lines: 85 },
      },
    },
  },
});
