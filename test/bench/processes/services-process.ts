import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Watch } from '#functions/transfers/transfer.ts';
import { startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import type { Transfer } from '#infra/simulator/transfer.ts';
import { cpuSoFar } from '#test/bench/measurement.ts';
import { type Drawing, drawTransfers } from '#test/bench/polls/drawn-transfers.ts';
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
  /** Makes a mailbox that has sent drawn transfers; those that are not active have ended. */
  fillDrawn(mailbox: string, drawing: Drawing): { readonly watch: Watch; readonly active: number } {
    cryptshare.verifications.grantToken({ mailbox, clientId }, token);
    const drawn = drawTransfers(drawing);
    for (const [index, { isActive, recipients, files, downloads, endsInHours, isProblem }] of drawn.entries()) {
      const to = Array.from({ length: recipients }, (_, place) => `recipient-${place + 1}@example.org`);
      const state = isActive ? 'ACTIVE' : ends[index % ends.length]!;
      const [{ trackingId }] = transfers.seed({ sender: mailbox, to, files, count: 1, state }) as [Transfer];
      transfers.moveExpiry(trackingId, new Date(Date.now() + endsInHours * 3_600_000));
      for (const { recipient, ...download } of downloads) transfers.download(trackingId, to[recipient - 1]!, download);
      if (isProblem) transfers.setProblems(trackingId, { recipientsNotNotified: to.slice(0, 1) });
    }
    listOnce(mailbox);
    return { watch: { mailbox, direction: 'sent' }, active: drawn.filter(({ isActive }) => isActive).length };
  },
  /** Has a recipient who has fetched nothing download a file of an active transfer. */
  download({ mailbox }: Watch): void {
    const query = { page: 1, pageSize: Number.MAX_SAFE_INTEGER, active: true };
    const found = transfers
      .page({ mailbox, direction: 'sent' }, query)
      .flatMap(({ trackingId, recipients }) => recipients.map((recipient) => ({ trackingId, ...recipient })))
      .find(({ downloads }) => downloads.length === 0);
    if (!found) throw new RangeError('all recipients have fetched something');
    transfers.download(found.trackingId, found.mail);
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
  /** The same, and the bytes of the answers without their heads. */
  countAnswers(): { readonly requests: number; readonly bytes: number } {
    const { total, bytesSent } = requests;
    requests.reset();
    return { requests: total, bytes: bytesSent };
  },
  /** CPU of this process in milliseconds, and requests to DynamoDB, SNS and SQS, both since it began. */
  use: () => ({ cpuMs: cpuSoFar(), awsRequests }),
};

export type ServicesMethods = typeof methods;

serveParent(methods);
