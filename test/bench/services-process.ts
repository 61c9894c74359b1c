import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { cpuSoFar, serveParent } from './bench-child.ts';
import { startBenchReceiver } from './bench-receiver.ts';
import { type Command, clientId, type ServiceAddresses, type ServiceUse } from './services.ts';

/** Ends of a transfer's life, given in turn to those that are to change. */
const ends = ['DELETED_BY_EXPIRATION', 'DELETED_BY_REVOCATION', 'DELETED_BY_SECURITY', 'DELETED_BY_ADMIN'] as const;

const aws = await startEmbeddedServices();
const cryptshare = await startCryptshareServer();
const { transfers, requests, switches } = cryptshare;
const receiver = await startBenchReceiver();
// A real notifier with this client id verifies its mailboxes by itself.
cryptshare.verifications.registerClientId(clientId);

let calls = 0;
// What goes to AWS is signed, and nothing else is.
subscribe('http.server.request.start', (message) => {
  const { request } = message as { request: IncomingMessage };
  if (request.headers.authorization?.startsWith('AWS4-')) calls += 1;
});

/** Carries out a command; returns what was counted since it was asked last, if it asks. */
function obey(command: Command): number | ServiceUse {
  switch (command.kind) {
    case 'fill':
      cryptshare.grantToken(command.mailbox, command.clientId, command.token);
      transfers.seed({ sender: command.mailbox, to: ['bob@example.org'], count: command.transfers, state: 'ACTIVE' });
      listOnce(command.mailbox);
      return 0;
    case 'change':
      endTransfers(command.mailbox, command.transfers);
      listOnce(command.mailbox);
      return 0;
    case 'delay':
      switches.latencyMs = command.milliseconds;
      return 0;
    case 'use':
      return { cpu: cpuSoFar(), calls };
    case 'countRequests': {
      const { total } = requests;
      requests.reset();
      return total;
    }
  }
}

/** Ends that many active transfers, spread evenly over the mailbox. */
function endTransfers(mailbox: string, count: number): void {
  const size = Number.MAX_SAFE_INTEGER;
  const active = transfers.page({ mailbox, direction: 'sent' }, { page: 1, pageSize: size, active: true });
  if (active.length < count) throw new RangeError(`only ${active.length} active transfers left`);
  const chosen = Array.from(
    { length: count },
    (_, index) => active[Math.floor(((index + 0.5) * active.length) / count)]!,
  );
  for (const [index, { trackingId }] of chosen.entries()) transfers.setState(trackingId, ends[index % ends.length]!);
}

/** Has the server sort the mailbox now instead of within the first request that is measured. */
function listOnce(mailbox: string): void {
  transfers.page({ mailbox, direction: 'sent' }, { page: 1, pageSize: 1 });
}

serveParent<Command>(
  {
    origin: cryptshare.url,
    receiver: receiver.url,
    sdkEnvironment: aws.sdkEnvironment,
  } satisfies ServiceAddresses,
  obey,
);
