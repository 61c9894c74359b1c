import { afterAll, beforeAll, describe } from 'vitest';
import { receiverContract } from '#test/docs/receiver-contract.ts';
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
});
