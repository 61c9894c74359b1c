import { defineConfig } from 'vitest/config';

/** The searches that random histories make, many times as long. */
export default defineConfig({
  test: {
    include: ['test/functions/transfers/histories.test.ts', 'test/functions/webhooks/webhook-histories.test.ts'],
    env: { HISTORIES: '10000', WEBHOOK_HISTORIES: '1000' },
    hookTimeout: 600_000,
  },
});
