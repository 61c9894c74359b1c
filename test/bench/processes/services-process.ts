import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Watch } from '#functions/transfers/transfer.ts';
import { startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { cpuSoFar } from '#test/bench/measurement.ts';
import { serveParent } from './bench-process.ts';
import { clientId, token } from './credentials.ts';
import { startReceiver } from './receiver.ts';

/** Ends of a transfer's life, given in turn to those that are to change. */
const ends = ['DELETED_BY_EXPIRATION', 'DELETED_BY_REVOCATION', 'DELETED_BY_SECURITY', 'DELETED_BY_ADMIN'] as const;

const aws = await startEmbeddedServices();
const cryptshare = await startCryptshareServer();
const { transfers, requests, switches } = cryptshare;
const receiver = await startReceiver();
// A real notifier with this client id verifies its mailboxes by itself.
cryptshare.verifications.registerClientId(clientId);

let awsRequests = 0;
// Requests to AWS are signed, and no others are.
subscribe('http.server.request.start', (message) => {
  const { request } = message as { request: IncomingMessage };
  if (request.headers.authorization?.startsWith('AWS4-')) awsRequests += 1;
});

/** Has the server sort the mailbox now instead of within the first request that is measured. */
function listOnce(mailbox: string): void {
  transfers.page({ mailbox, direction: 'sent' }, { page: 1, pageSize: 1 });
}

const methods = {
  addresses: () => ({
    /** Address of the simulated Cryptshare Server. */
    origin: cryptshare.url,
    receiver: receiver.url,
    /** Variables by which the AWS SDK finds the embedded services. */
    sdkEnvironment: aws.sdkEnvironment,
  }),
  /** Makes a mailbox that has sent a number of transfers, all of them active. */
  fill(mailbox: string, count: number): Watch {
    cryptshare.verifications.grantToken({ mailbox, clientId }, token);
    transfers.seed({ sender: mailbox, to: ['bob@example.org'], count, state: 'ACTIVE' });
    listOnce(mailbox);
    return { mailbox, direction: 'sent' };
  },
  /** Ends a number of active transfers, spread evenly over the mailbox. */
  change({ mailbox }: Watch, count: number): void {
    const pageSize = Number.MAX_SAFE_INTEGER;
    const active = transfers.page({ mailbox, direction: 'sent' }, { page: 1, pageSize, active: true });
    if (active.length < count) throw new RangeError(`only ${active.length} active transfers left`);
    for (let index = 0; index < count; index += 1) {
      const { trackingId } = active[Math.floor(((index + 0.5) * active.length) / count)]!;
      transfers.setState(trackingId, ends[index % ends.length]!);
    }
    listOnce(mailbox);
  },
  /** Has the Cryptshare Server wait before each answer. */
  delay(milliseconds: number): void {
    switches.latencyMs = milliseconds;
  },
  /** Requests to the Cryptshare Server, by its own count, since the last call. */
  countRequests(): number {
    const { total } = requests;
    requests.reset();
    return total;
  },
  /** CPU of this process in milliseconds, and requests to DynamoDB, SNS and SQS, both since it began. */
  use: () => ({ cpuMs: cpuSoFar(), awsRequests }),
};

export type ServicesMethods = typeof methods;

serveParent(methods);
