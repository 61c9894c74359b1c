import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkReceiver } from '#infra/receivers/check/check.ts';
import { receiverContract, secret } from '#test/docs/receiver-contract.ts';
import { type DocumentedReceiver, startGoReceiver, startPythonReceiver } from './documented-receivers.ts';

/** Languages that this machine has, as `npm run test:outside` has found out. */
const languages = (process.env.OUTSIDE_RECEIVERS ?? 'Python Go').split(' ').filter((name) => name !== '');

const starts = { Python: startPythonReceiver, Go: startGoReceiver };

describe.each(languages)('the receiver in %s of docs/receiving-webhooks.md', (language) => {
  let receiver: DocumentedReceiver | undefined;

  beforeAll(async () => {
    receiver = await starts[language as keyof typeof starts]();
  });

  // What kept it from starting is told, not that it cannot be stopped.
  afterAll(() => receiver?.stop());

  receiverContract({
    post: (headers, body) => receiver!.post(headers, body),
    applied: () => receiver!.applied(),
    failOnce: () => receiver!.failOnce(),
  });

  it('keeps all duties that the check of a receiver knows', async () => {
    const findings = await checkReceiver({
      url: receiver!.url,
      secret,
      count: async () => receiver!.applied().length,
      answerMs: 15_000,
      totalMs: 120_000,
      now: () => new Date(),
      sleep: (milliseconds) => sleep(milliseconds),
    });
    expect(findings.filter(({ verdict }) => verdict !== 'good')).toEqual([]);
  });
});
