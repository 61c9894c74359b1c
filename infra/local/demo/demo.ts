import { followable } from '#functions/transfers/follow.ts';
import { usualReader } from '#functions/webhooks/endpoints/reader.ts';
import type { Config } from '#infra/config/config.ts';
import { usualStack } from '#infra/config/usual-names.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { simulatedClientId } from '#infra/simulator/verifications.ts';
import { alice, bob, DemoLife, paceMs } from './demo-life.ts';
import { type Receipt, startWebhookReceiver } from './webhook-receiver.ts';

/** The webhook `archive` fails the first 3 of every 50 requests, to show retries. */
const outageEvery = 50;
const outage = 3;

/** Gets a digest each minute, which the console shows. */
const team = {
  name: 'team',
  email: 'team@example.com',
  types: ['transfer.*', 'watch.*', 'endpoint.*'],
  ...{ ...usualReader, urgent: [], quiet: [], when: 'every minute' },
};

/** Shortened, as a demo cannot wait for days. */
const retryDelays = ['2s', '4s', '8s', '15s', '30s', '1m'];

/** Starts a server whose transfers change every 1.5 s, and a receiver that reports webhooks, until the process ends. */
export async function startDemo(onReceipt: (receipt: Receipt) => void) {
  const credentials = { clientId: simulatedClientId };
  const server = await startCryptshareServer();
  server.verifications.registerClientId(credentials.clientId);
  const life = new DemoLife(server);

  let requests = 0;
  const isOut = (endpoint: string) => {
    if (endpoint !== 'archive') return false;
    requests += 1;
    return (requests - 1) % outageEvery < outage;
  };
  const receiver = await startWebhookReceiver(isOut, onReceipt);
  const webhooks = ['crm', 'archive'].map((name) => ({
    name,
    url: receiver.urlOf(name),
    types: ['transfer.*'],
    format: 'event' as const,
    retryDelays,
    maxInFlight: 10,
  }));

  setInterval(() => life.happen(), paceMs);
  const follow = [...followable];
  const watches = [
    { mailbox: alice, direction: 'sent' as const, follow },
    { mailbox: bob, direction: 'received' as const, follow },
  ];
  const config: Config = {
    stack: usualStack,
    server: { url: server.url, maxConcurrentPages: 4 },
    schedule: { every: '2s', fullListingEvery: 1, shards: 1 },
    watches,
    notify: { readers: [team] },
    webhooks,
    retention: { events: 30, transfers: 30 },
  };
  return { receiver, credentials, config };
}
