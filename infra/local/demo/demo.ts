import type { Config } from '#infra/config/config.ts';
import { usualStack } from '#infra/config/usual-names.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { type Receipt, startWebhookReceiver } from './webhook-receiver.ts';

const alice = 'alice@example.com';
const bob = 'bob@example.org';

/** Final states of transfers; expiration is twice as frequent. */
const ends = [
  'DELETED_BY_EXPIRATION',
  'DELETED_BY_EXPIRATION',
  'DELETED_BY_REVOCATION',
  'DELETED_BY_SECURITY',
  'DELETED_BY_ADMIN',
] as const;

const pace = 1500;

/** The webhook `archive` fails the first 3 of every 50 requests, to show retries. */
const outageEvery = 50;
const outage = 3;

/** Shortened, as a demo cannot wait for days. */
const retryDelays = ['2s', '4s', '8s', '15s', '30s', '1m'];

/** Starts a server whose transfers change every 1.5 s, and a receiver that reports webhooks, until the process ends. */
export async function startDemo(onReceipt: (receipt: Receipt) => void) {
  const credentials = { clientId: 'demoClientId'.padEnd(50, '0') };
  const server = await startCryptshareServer();
  server.verifications.registerClientId(credentials.clientId);
  server.transfers.seed({ sender: alice, to: ['carol@example.net'], count: 40, state: 'ACTIVE' });
  server.transfers.seed({ sender: 'dave@example.net', to: [bob], count: 5, state: 'DELETED_BY_EXPIRATION' });

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

  setInterval(() => happen(server), pace);
  const config: Config = {
    stack: usualStack,
    server: { url: server.url, maxConcurrentPages: 4 },
    schedule: { every: '2s', fullListingEvery: 1, shards: 1 },
    watches: [
      { mailbox: alice, direction: 'sent' },
      { mailbox: bob, direction: 'received' },
    ],
    notify: { email: [] },
    webhooks,
  };
  return { receiver, credentials, config };
}

let moment = 0;

/** Sends, processes and ends transfers in turn. */
function happen({ transfers }: CryptshareServer): void {
  moment += 1;
  const sent = transfers.page({ mailbox: alice, direction: 'sent' }, { page: 1, pageSize: 100 });
  const oldestIn = (state: string) => sent.filter((transfer) => transfer.state === state).at(-1);
  const processing = oldestIn('PROCESSING');
  const active = oldestIn('ACTIVE');
  if (moment % 3 === 1) transfers.create({ sender: alice, to: moment % 2 ? [bob] : ['carol@example.net'] });
  else if (moment % 3 === 2 && processing) {
    transfers.setState(processing.trackingId, moment % 7 === 0 ? 'FAILED' : 'ACTIVE');
  } else if (active) transfers.setState(active.trackingId, ends[moment % ends.length]!);
}
