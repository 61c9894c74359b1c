import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/outside/**'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Each worker loads what many files import only once, which halves the time; so no test may leave anything behind.
    isolate: false,
    // Much of a test is waiting for services: a core is not kept back, as Vitest does by default.
    maxWorkers: '100%',
  },
});
