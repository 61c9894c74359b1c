import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Watch } from '../../functions/transfers/transfer.ts';
import type { Arrivals } from './bench-receiver.ts';

/** What the process of the services is told to do. */
export type Command =
  | {
      readonly kind: 'fill';
      readonly mailbox: string;
      readonly transfers: number;
      readonly clientId: string;
      readonly token: string;
    }
  | { readonly kind: 'change'; readonly mailbox: string; readonly transfers: number }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'countRequests' }
  | { readonly kind: 'takeArrivals' };

/** Where the services listen. */
export interface ServiceAddresses {
  /** Of the simulated Cryptshare Server. */
  readonly origin: string;
  /** Of the receiver of webhooks. */
  readonly receiver: string;
  /** Variables by which the AWS SDK finds the embedded services. */
  readonly sdkEnvironment: Readonly<Record<string, string>>;
}

export const clientId = 'benchclientid'.repeat(4);
export const token = 'example-token';

/**
 * The simulated Cryptshare Server and the embedded AWS services in a process of their own, so that CPU and heap
 * measured here are those of the poll alone.
 */
export class Services {
  readonly addresses: ServiceAddresses;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, addresses: ServiceAddresses) {
    this.child = child;
    this.addresses = addresses;
  }

  /**
   * Starts the process and waits until everything in it listens.
   *
   * @throws Error when it ends before that
   */
  static async start(): Promise<Services> {
    const child = fork(fileURLToPath(import.meta.resolve('./services-process.ts')), {
      execPath: process.execPath,
      execArgv: [],
    });
    return new Services(child, (await answerOf(child)) as ServiceAddresses);
  }

  /** Makes a mailbox that has sent that many transfers, all of them active. */
  async fill(mailbox: string, transfers: number): Promise<Watch> {
    await this.tell({ kind: 'fill', mailbox, transfers, clientId, token });
    return { mailbox, direction: 'sent' };
  }

  /** Ends that many active transfers, spread evenly over the mailbox. */
  async change({ mailbox }: Watch, transfers: number): Promise<void> {
    await this.tell({ kind: 'change', mailbox, transfers });
  }

  /** Has the Cryptshare Server wait before each answer. */
  async delay(milliseconds: number): Promise<void> {
    await this.tell({ kind: 'delay', milliseconds });
  }

  /** Requests to the Cryptshare Server, by its own count, since this was asked last. */
  async countRequests(): Promise<number> {
    return (await this.tell({ kind: 'countRequests' })) as number;
  }

  /** First arrivals of webhooks since this was asked last. */
  async takeArrivals(): Promise<Arrivals> {
    return (await this.tell({ kind: 'takeArrivals' })) as Arrivals;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }

  private async tell(command: Command): Promise<unknown> {
    const answer = answerOf(this.child);
    this.child.send(command);
    return answer;
  }
}

/** The next message of the process. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`the process of the services ended with exit code ${code}`);
      }),
    ]);
  } finally {
    over.abort();
  }
}
