import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { operations } from '#functions/operator/operations.ts';
import { addressPattern } from '#functions/transfers/mailbox-address.ts';
import { endpointSettings } from '#functions/webhooks/endpoints/settings.ts';
import { readWatchFile } from '#infra/cli/commands/watch-file.ts';
import { ConfigError, configJsonSchema, loadConfig } from '#infra/config/config.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import { document } from '#test/docs/event-schemas.ts';
import { existing, refused } from '#test/functions/transfers/mailbox-addresses.ts';

const folder = mkdtempSync(join(tmpdir(), 'addresses-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a reader of a file says of its text; empty when it takes it. */
function saidOf(name: string, text: string, read: (file: string) => unknown): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  try {
    read(file);
    return '';
  } catch (error) {
    return error instanceof ConfigError ? error.problems.join('\n') : (error as Error).message;
  }
}

const server = { url: 'https://cryptshare.example.com' };
const watches = [{ mailbox: 'alice@example.com', direction: 'received' }];
const webhook = { name: 'crm', url: 'https://crm.example.com' };
const inConfig = (part: object) => saidOf('config.json', JSON.stringify({ server, watches, ...part }), loadConfig);
const operation = (id: string) => operations.find((one) => one.id === id)!;
const messages = (parsed: { error?: { issues: readonly { message: string }[] } | undefined }) =>
  (parsed.error?.issues ?? []).map(({ message }) => message).join('\n');

/** Every place that takes an address, with what it says of one. */
const places: Record<string, (address: string) => string> = {
  'watches of the configuration file': (mailbox) => inConfig({ watches: [{ mailbox }] }),
  'webhooks of the configuration file': (one) => inConfig({ webhooks: [{ ...webhook, mailboxes: [one] }] }),
  'recipients of notices': (address) => inConfig({ notify: { email: [{ address }] } }),
  'the recipient of alarms': (email) => inConfig({ alarmEmail: email }),
  'a file to import': (mailbox) =>
    saidOf('watches.csv', `mailbox,direction\n"${mailbox.replaceAll('"', '""')}",sent\n`, readWatchFile),
  'the filter of an endpoint': (one) => messages(endpointSettings(false).safeParse({ ...webhook, mailboxes: [one] })),
  'a request to add a watch': (mailbox) => messages(operation('addWatch').body!.safeParse({ mailbox })),
  'a path of the operator API': (mailbox) =>
    messages(operation('showWatch').params.safeParse({ mailbox, direction: 'sent' })),
};

describe.each(Object.keys(places))('%s', (place) => {
  // A file to import is trimmed and read as UTF-8 first, and an endpoint's settings know their name from elsewhere.
  const say = places[place]!;
  test('takes every address that exists', () => {
    const said = existing.map((address) => say(address).replace(/^.*Unrecognized key.*$/, ''));
    expect(said).toEqual(existing.map(() => ''));
  });

  test('says of every other text what is wrong with it', () => {
    for (const [text, because] of refused) {
      if (text !== text.trim() || !text.isWellFormed()) continue;
      expect(say(text), JSON.stringify(text)).toContain(`expected an e-mail address, but ${because}`);
    }
  });
});

test('the schemas for editors, for clients of the operator API and for subscribers have the same pattern', () => {
  const pattern = JSON.stringify(addressPattern.source);
  const count = (schema: unknown) => JSON.stringify(schema).split(pattern).length - 1;
  expect(count(configJsonSchema())).toBe(4);
  expect(count(openApiDocument(operations))).toBeGreaterThan(5);
  expect(document).toContain(`"mailbox": { "type": "string", "maxLength": 254, "pattern": ${pattern} }`);
});
