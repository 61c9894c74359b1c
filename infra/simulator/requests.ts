/** A request that reached the simulated server, without anything secret: no header values, no credentials. */
export interface LoggedRequest {
  /** ISO 8601, by the server's clock. */
  readonly at: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headerNames: readonly string[];
  /** `null` until there is an answer, and for good if there never was one. */
  status: number | null;
}

/** What {@link RequestCounters.report} tells. */
export interface RequestReport {
  readonly total: number;
  /** By method and route, e.g. `GET /api/users/:email/transfers/sent-transfers`. */
  readonly byRoute: Readonly<Record<string, number>>;
  /** The greatest number of requests that were being answered at the same time. */
  readonly greatestInFlight: number;
  /** Bytes of all bodies sent. */
  readonly bytesSent: number;
  /** The latest 200 requests, oldest first. */
  readonly recent: readonly Readonly<LoggedRequest>[];
}

const recentCapacity = 200;

/** Counts what clients ask of the server: polling politely is part of what is to be shown. */
export class RequestCounters {
  total = 0;
  greatestInFlight = 0;
  bytesSent = 0;
  private byRoute = new Map<string, number>();
  private recent: LoggedRequest[] = [];
  private inFlight = 0;

  /** Counts a request that has arrived; the caller notes the status in `logged` and calls {@link ended} after it. */
  began(route: string, logged: LoggedRequest): void {
    this.total += 1;
    this.byRoute.set(route, this.ofRoute(route) + 1);
    this.inFlight += 1;
    this.greatestInFlight = Math.max(this.greatestInFlight, this.inFlight);
    this.recent.push(logged);
    if (this.recent.length > recentCapacity) this.recent.shift();
  }

  /** Notes that the answer is out, or that the connection is gone. */
  ended(): void {
    this.inFlight -= 1;
  }

  /** Requests of one route, e.g. `GET /api/users/:email/transfers/sent-transfers`. */
  ofRoute(route: string): number {
    return this.byRoute.get(route) ?? 0;
  }

  /** The counters as JSON. */
  report(): RequestReport {
    const { total, greatestInFlight, bytesSent, recent } = this;
    return { total, byRoute: Object.fromEntries(this.byRoute), greatestInFlight, bytesSent, recent: [...recent] };
  }

  /** Starts counting again; requests that are being answered stay in flight. */
  reset(): void {
    this.total = 0;
    this.greatestInFlight = this.inFlight;
    this.bytesSent = 0;
    this.byRoute = new Map();
    this.recent = [];
  }
}
