import { describe, expect, it } from 'vitest';
import { CryptshareFailure, type FailureCause } from '#functions/cryptshare/failure.ts';
import failureCauses from '#functions/cryptshare/failures.json' with { type: 'json' };
import { eventTypes } from '#functions/events/catalogue.ts';
import { problemOfFailure } from '#functions/watches/watch-problem.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';
import { assertValidEvent } from './event-schemas.ts';

/** The longest text for people that a failure has, with a detail as long as any. */
const message = (Object.keys(failureCauses) as FailureCause[])
  .map((cause) => problemOfFailure(new CryptshareFailure(cause, 'x'.repeat(200))).message)
  .reduce((longest, text) => (text.length > longest.length ? text : longest));

const mailbox = `${'a'.repeat(64)}@${'b'.repeat(181)}.example`;

/** Values as long as the schemas allow. */
const longest: Readonly<Record<string, unknown>> = {
  trackingId: '~'.repeat(200),
  mailbox,
  message,
  examples: [mailbox, mailbox, mailbox],
  endpoint: 'e'.repeat(64),
  sequence: Number.MAX_SAFE_INTEGER,
  watches: Number.MAX_SAFE_INTEGER,
  mailboxes: Number.MAX_SAFE_INTEGER,
  problems: ['recipient_not_notified', 'sender_not_notified', 'files_removed', 'message_not_created', 'other'],
};

describe.each(eventTypes)('%s', (type) => {
  it('has a name of segments with dots between, as Standard Webhooks recommends', () => {
    expect(type).toMatch(/^[a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)+$/);
  });

  it('is less than 20 kB with each field as long as it can be', () => {
    const { data, ...event } = exampleEvent(type);
    const fields = Object.entries(data).map(([name, value]) => [name, longest[name] ?? value]);
    const full = { ...event, data: Object.fromEntries(fields) };
    assertValidEvent(full);
    expect(Buffer.byteLength(JSON.stringify(full))).toBeLessThan(20_000);
  });
});
