import { Cancellation } from '#functions/http/cancellation.ts';
import { Connections } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';
import { type ProxySettings, proxyFor } from '#functions/http/proxy.ts';

/** Least milliseconds between two calls: a minute, to the second. */
const restMs = 59_500;

/** Milliseconds for an answer, and its bytes that are read. */
const timeoutMs = 10_000;
const maxBytes = 4096;

interface HeartbeatDependencies {
  readonly proxies: ProxySettings;
  /** Milliseconds of a clock that is never set. */
  readonly steady: () => number;
  readonly warning: (text: string) => void;
  /** Called after each call. */
  readonly onCall: (isTaken: boolean) => void;
}

/**
 * Calls an address after ticks, at most once a minute. The service behind it raises an alarm when the calls end. A failing
 * service is told once, without the address, which may be a secret, and holds up nothing.
 */
export class Heartbeat {
  private readonly url: URL;
  private readonly deps: HeartbeatDependencies;
  private readonly connections = new Connections();
  private readonly cancellation = new Cancellation();
  private calledAt = Number.NEGATIVE_INFINITY;
  private isFailing = false;
  private call: Promise<void> | undefined;

  constructor(url: string, deps: HeartbeatDependencies) {
    this.url = new URL(url);
    this.deps = deps;
  }

  /** Calls the address unless it is early, or the last call is in flight. Throws nothing. */
  beat(): void {
    const now = this.deps.steady();
    if (this.call || now - this.calledAt < restMs) return;
    this.calledAt = now;
    this.call = this.send().finally(() => {
      this.call = undefined;
    });
  }

  /** Gives up a call in flight, and makes no more. */
  close(): void {
    this.cancellation.cancel();
    this.connections.close();
  }

  private async send(): Promise<void> {
    const problem = await this.problem();
    if (this.cancellation.isCancelled) return;
    const { warning, onCall } = this.deps;
    onCall(problem === undefined);
    if (this.isFailing === (problem !== undefined)) return;
    this.isFailing = problem !== undefined;
    warning(
      this.isFailing
        ? `the heartbeat to heartbeat.url fails (${problem}): look at that service, which may raise an alarm; the notifier goes on, and calls it each minute`
        : 'the heartbeat to heartbeat.url succeeds again',
    );
  }

  /** Calls once. @returns what is wrong with the answer, if anything */
  private async problem(): Promise<string | undefined> {
    const { url, cancellation } = this;
    try {
      const proxy = proxyFor(url, this.deps.proxies);
      const request = { method: 'GET', url, headers: {}, timeoutMs, maxBytes, isRepeatable: true, proxy, cancellation };
      const { status } = await this.connections.send(request);
      return status >= 200 && status < 300 ? undefined : `HTTP ${status}`;
    } catch (error) {
      return error instanceof HttpError ? (error.code ?? error.message) : (error as Error).name;
    }
  }
}
