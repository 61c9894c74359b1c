import { defineConfig } from 'vitest/config';

/** What other implementations of AWS, and of Standard Webhooks, say of the project: run by `npm run test:outside`. */
export default defineConfig({
  test: {
    include: ['test/functions/**/*.test.ts', 'test/outside/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    isolate: false,
    maxWorkers: '100%',
  },
});
