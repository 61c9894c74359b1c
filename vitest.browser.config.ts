import { defineConfig } from 'vitest/config';

/** The console in a real browser, run by `npm run test:browser`: one browser for all files. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/browser/chromium.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    isolate: false,
    // Browser, console and local run are processes of their own, which need the cores as well.
    maxWorkers: 2,
  },
});
