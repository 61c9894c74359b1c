import { createHash } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { logName } from '#functions/parsing/log-name.ts';
import type { PollResult } from '#functions/poll/poll-result.ts';
import { logPoll } from '#functions/poll/report.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import { newMailbox, pollLater, resetServer, startMailboxWorld, world } from '#test/support/mailbox-world.ts';
import { table } from '#test/support/poll-world.ts';
import { startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let stop: () => Promise<void>;
let webhooks: WebhookWorld;
beforeAll(async () => {
  stop = await startMailboxWorld();
  webhooks = await startWebhookWorld();
  await addEndpoint(webhooks.deps, 'crm', { url: webhooks.urlOf('crm') });
  await addEndpoint(webhooks.deps, 'ops', { url: webhooks.urlOf('ops'), format: 'slack' });
  await addEndpoint(webhooks.deps, 'team', { url: webhooks.urlOf('team'), format: 'teams' });
});
afterAll(async () => {
  await webhooks.close();
  await stop();
});
beforeEach(() => {
  resetServer();
  // No server that an earlier test has asked.
  world.clock.advance(7_200_000);
});

const hourMs = 3_600_000;
const store = () => world.cryptshare.transfers;

const followedTypes: TransferEvent['type'][] = [
  'transfer.downloaded',
  'transfer.overdue',
  'transfer.problem',
  'transfer.problem_resolved',
];

/** Forms in which a text, or its guessable hash without a key, could have been stored. */
function formsOf(text: string): string[] {
  const sha256 = createHash('sha256').update(text);
  const encoded = [Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1), encodeURIComponent(text)];
  return [text, ...encoded, sha256.digest('base64url').slice(0, 10), logName(text)].map((form) => form.toLowerCase());
}

/** All that the polls of these tests have stored, logged and sent, and the types of the last events. */
async function everything(logged: string) {
  const rows: unknown[] = [];
  for await (const { Items = [] } of paginateScan({ client: world.deps.dynamo }, { TableName: table }))
    rows.push(Items);
  const events = await world.takeEvents();
  await webhooks.fanOut(...events.map(({ event }) => event as TransferEvent));
  await webhooks.settleAll();
  expect(webhooks.received.length).toBeGreaterThan(events.length);
  const sent = webhooks.received.splice(0).map(({ headers, body }) => ({ headers, body }));
  const all = JSON.stringify([rows, await webhooks.dump(), events, webhooks.mails, sent, logged]).toLowerCase();
  return { all, types: new Set(events.map(({ event }) => event.type)) };
}

/** A watch that follows everything, polled through downloads, ends, problems and changes of recipients. */
async function liveThrough(direction: Direction, switches: Partial<Switches>) {
  const { watch } = newMailbox(0, direction);
  const name = watch.mailbox.split('@')[0];
  const others = Array.from({ length: 3 }, (_, index) => `recipient-${index}-of-${name}@people.example`);
  const [first, second, third] = others as [string, string, string];
  const people =
    direction === 'sent'
      ? { sender: watch.mailbox, to: [first, second], cc: [third] }
      : { sender: `sender-to-${name}@people.example`, to: [watch.mailbox, first], cc: [second], bcc: [third] };
  const ids = store()
    .seed({ ...people, count: 4, state: 'ACTIVE' })
    .map(({ trackingId }) => trackingId);
  const [a, b, c] = ids as [string, string, string];
  Object.assign(world.cryptshare.switches, switches);
  const secrets = new Set(others);
  /** Notes ids and addresses that the server shows now. */
  const look = () => {
    for (const trackingId of ids) {
      const { sender, recipients } = store().find(trackingId)!;
      for (const text of [sender, ...recipients.flatMap(({ id, mail }) => [id, mail])]) secrets.add(text);
    }
    secrets.delete(watch.mailbox);
  };
  const lines: string[] = [];
  const logger = new Logger({ logLevel: 'DEBUG' });
  const print = (line: string | Uint8Array) => lines.push(String(line)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(print));
  const following: FollowingWatch = { ...watch, follow: followable };
  const poll = async () => {
    look();
    const result: PollResult = await pollLater(following);
    logPoll(logger, { ...result, watch: following, durationMs: 1, sinceCompleteMs: 0 });
    look();
  };
  await poll();
  const own = direction === 'sent' ? second : watch.mailbox;
  const refusalOf = (mail: string) =>
    JSON.stringify({ errorCode: 1004, errorMessage: `${mail} of ${store().find(a)!.recipients[0]!.id}` });
  const news: (() => void)[] = [
    () => store().download(a, own),
    () =>
      store().setProblems(a, {
        recipientsNotNotified: [own, first],
        removedFiles: [1],
        warnings: [`virus sent to ${own}`],
      }),
    () => store().moveExpiry(b, new Date(world.clock.steady() + 40 * hourMs)),
    () => store().deleteUserData(first),
    () => Object.assign(world.cryptshare.switches, { deletedUserKeepsRecipientId: false, warnings: 'array' }),
    () => store().deleteUserData(third),
    () => store().changeRecipients(c, { kind: 'appear', mail: `late-at-${name}@people.example`, as: 'to' }),
    () => store().setProblems(a, {}),
    () => store().download(b, own, { method: 'VIEWED' }),
    () => store().setState(c, 'DELETED_BY_EXPIRATION'),
    () => world.cryptshare.faults.inject({ times: 8, answer: { kind: 'response', status: 400, body: refusalOf(own) } }),
  ];
  for (const happen of news) {
    happen();
    await poll();
  }
  for (const spy of spies) spy.mockRestore();
  return { secrets: [...secrets], logged: lines.join('\n'), ids };
}

describe('a watch that follows everything', () => {
  it.each<[name: string, direction: Direction, switches: Partial<Switches>, facts: TransferEvent['type'][]]>([
    ['sent transfers', 'sent', {}, followedTypes],
    ['received transfers', 'received', {}, followedTypes],
    ['sent transfers whose details only the status has', 'sent', { detailsInLists: 'none' }, followedTypes],
    ['sent transfers in flat rows', 'sent', { itemShape: 'flat' }, followedTypes],
    ['received transfers without details', 'received', { receivedDownloads: 'none' }, []],
  ])('stores, logs and sends no id and no address of a recipient: %s (P27)', async (_, direction, switches, facts) => {
    const { secrets, logged, ids } = await liveThrough(direction, switches);
    const { all, types } = await everything(logged);
    expect(secrets.length).toBeGreaterThan(20);
    for (const trackingId of ids) expect(all).toContain(trackingId.toLowerCase());
    expect(logged).toContain('poll');
    expect(followedTypes.filter((type) => types.has(type))).toEqual(facts);
    const found = secrets.filter((secret) => formsOf(secret).some((form) => all.includes(form)));
    expect(found).toEqual([]);
  });
});
