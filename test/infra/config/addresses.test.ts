import { describe, expect, it } from 'vitest';
import { operations } from '#functions/operator/operations.ts';
import { addressPattern } from '#functions/transfers/mailbox-address.ts';
import { endpointSettings } from '#functions/webhooks/endpoints/settings.ts';
import { readWatchFile } from '#infra/cli/commands/watch-file.ts';
import { configJsonSchema, loadConfig } from '#infra/config/config.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import { document } from '#test/docs/event-schemas.ts';
import { existing, refused } from '#test/functions/transfers/mailbox-addresses.ts';
import { configFolder } from './config-files.ts';

const { write, problemsWith } = configFolder();
const webhook = { name: 'crm', url: 'https://crm.example.com' };
const inConfig = (part: object) => problemsWith(loadConfig)(part).join('\n');
const inImport = (mailbox: string) => {
  const file = write(`mailbox,direction\n"${mailbox.replaceAll('"', '""')}",sent\n`, 'watches.csv');
  try {
    readWatchFile(file);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const operation = (id: string) => operations.find((one) => one.id === id)!;
const messages = (parsed: { error?: { issues: readonly { message: string }[] } | undefined }) =>
  (parsed.error?.issues ?? []).map(({ message }) => message).join('\n');

/** Every place that takes an address, with its message about one. */
const places: Record<string, (address: string) => string> = {
  'watches of the configuration file': (mailbox) => inConfig({ watches: [{ mailbox }] }),
  'webhooks of the configuration file': (one) => inConfig({ webhooks: [{ ...webhook, mailboxes: [one] }] }),
  'readers of messages': (email) => inConfig({ notify: { readers: [{ name: 'ops', email }] } }),
  'filters of readers': (one) =>
    inConfig({ notify: { readers: [{ name: 'ops', email: 'ops@example.com', mailboxes: [one] }] } }),
  'recipient of alarms': (email) => inConfig({ alarmEmail: email }),
  'watch import FILE': inImport,
  endpointSettings: (one) => messages(endpointSettings(false).safeParse({ ...webhook, mailboxes: [one] })),
  'POST /watches': (mailbox) => messages(operation('addWatch').body!.safeParse({ mailbox })),
  'paths of the operator API': (mailbox) =>
    messages(operation('showWatch').params.safeParse({ mailbox, direction: 'sent' })),
};

describe.each(Object.entries(places))('%s', (_, messageOf) => {
  // Settings of an endpoint get its name from elsewhere.
  it('accept every existing address', () => {
    const told = existing.map((address) => messageOf(address).replace(/^.*Unrecognized key.*$/, ''));
    expect(told).toEqual(existing.map(() => ''));
  });

  it('refuse every other text with its mistake', () => {
    for (const [text, because] of refused) {
      // An import trims its values, and reads UTF-8.
      if (text !== text.trim() || !text.isWellFormed()) continue;
      expect(messageOf(text), JSON.stringify(text)).toContain(`expected an e-mail address, but ${because}`);
    }
  });
});

describe('addressPattern', () => {
  it('is the pattern of addresses in configJsonSchema, openApiDocument and docs/events.md', () => {
    const pattern = JSON.stringify(addressPattern.source);
    const count = (schema: unknown) => JSON.stringify(schema).split(pattern).length - 1;
    expect(count(configJsonSchema())).toBe(6);
    expect(count(openApiDocument(operations))).toBeGreaterThan(5);
    expect(document).toContain(`"mailbox": { "type": "string", "maxLength": 254, "pattern": ${pattern} }`);
  });
});
