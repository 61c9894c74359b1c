import { defineConfig } from 'vitest/config';

/** The searches among random histories, lives and notices, many times as long, and those at the calls of a task in full. */
export default defineConfig({
  test: {
    include: [
      'test/docs/events.test.ts',
      'test/infra/local/local-run.test.ts',
      'test/infra/service/backup.test.ts',
      'test/infra/simulator/followed-life.test.ts',
      'test/infra/twin/twin.test.ts',
      'test/functions/poll/histories.test.ts',
      'test/functions/poll/follow-histories.test.ts',
      'test/functions/webhooks/engine/webhook-histories.test.ts',
      'test/functions/webhooks/digests/*.test.ts',
      'test/functions/notices/*.test.ts',
      'test/functions/operator/operations/forget-mailbox.test.ts',
      'test/functions/operator/operations/pull-histories.test.ts',
      'test/functions/poll/active-pass.test.ts',
      'test/functions/poll/interruptions.test.ts',
      'test/functions/poll/removed-watches.test.ts',
      'test/functions/poll/incidents.test.ts',
      'test/functions/webhooks/engine/drain/drain-companions.test.ts',
      'test/functions/webhooks/engine/fan-out-bounds.test.ts',
      'test/functions/webhooks/engine/webhook-interruptions.test.ts',
    ],
    env: {
      HISTORIES: '10000',
      WEBHOOK_HISTORIES: '1000',
      DIGEST_HISTORIES: '2000',
      NOTICES: '5000',
      TIMETABLES: '20000',
      LIVES: '1000',
      KILLS: '20',
      BACKUPS: '5',
      TWIN_DAYS: '30',
      PULL_HISTORIES: '500',
      EVENTS: '20000',
      EVERY_CALL: '1',
    },
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
