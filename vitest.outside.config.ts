import { defineConfig } from 'vitest/config';

/** What other implementations of AWS, and of Standard Webhooks, say of the project: run by `npm run test:outside`. */
export default defineConfig({
  test: {
    include: ['test/functions/**/*.test.ts', 'test/outside/**/*.test.ts'],
    // It adds the writes to indexes, which the embedded database leaves out of its units and others reckon in their own ways.
    exclude: ['test/functions/webhooks/engine/delivery-costs.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    isolate: false,
    maxWorkers: '100%',
  },
});
