import { fileURLToPath } from 'node:url';
import type { Watch } from '#functions/transfers/transfer.ts';
import { BenchChild } from './bench-child.ts';

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
  | { readonly kind: 'countRequests' | 'use' };

/** What the embedded AWS services have been asked, and what that took. */
export interface ServiceUse {
  /** Milliseconds of CPU of the process, since it began. */
  readonly cpu: number;
  /** Requests to DynamoDB, SNS and SQS, since it began. */
  readonly calls: number;
}

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
  private readonly child: BenchChild<Command>;

  private constructor(child: BenchChild<Command>, addresses: ServiceAddresses) {
    this.child = child;
    this.addresses = addresses;
  }

  /**
   * Starts the process and waits until everything in it listens.
   *
   * @throws Error when it ends before that
   */
  static async start(): Promise<Services> {
    const file = fileURLToPath(import.meta.resolve('./services-process.ts'));
    const { child, ready } = await BenchChild.start<Command, ServiceAddresses>(file);
    return new Services(child, ready);
  }

  /** Makes a mailbox that has sent that many transfers, all of them active. */
  async fill(mailbox: string, transfers: number): Promise<Watch> {
    await this.child.tell({ kind: 'fill', mailbox, transfers, clientId, token });
    return { mailbox, direction: 'sent' };
  }

  /** Ends that many active transfers, spread evenly over the mailbox. */
  async change({ mailbox }: Watch, transfers: number): Promise<void> {
    await this.child.tell({ kind: 'change', mailbox, transfers });
  }

  /** Has the Cryptshare Server wait before each answer. */
  async delay(milliseconds: number): Promise<void> {
    await this.child.tell({ kind: 'delay', milliseconds });
  }

  /** Requests to the Cryptshare Server, by its own count, since this was asked last. */
  async countRequests(): Promise<number> {
    return (await this.child.tell({ kind: 'countRequests' })) as number;
  }

  /** What the embedded services have done so far. */
  async use(): Promise<ServiceUse> {
    return (await this.child.tell({ kind: 'use' })) as ServiceUse;
  }

  /** Ends the process. */
  stop(): Promise<void> {
    return this.child.stop();
  }
}
