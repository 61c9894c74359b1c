import { defineConfig } from 'vitest/config';

/** The searches among random histories and notices, many times as long. */
export default defineConfig({
  test: {
    include: [
      'test/functions/poll/histories.test.ts',
      'test/functions/webhooks/engine/webhook-histories.test.ts',
      'test/functions/notices/*.test.ts',
    ],
    env: { HISTORIES: '10000', WEBHOOK_HISTORIES: '1000', NOTICES: '5000' },
    hookTimeout: 600_000,
  },
});
