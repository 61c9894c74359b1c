/** Request to the simulated server, without secrets: no header values, no credentials. */
export interface LoggedRequest {
  /** ISO 8601, by the server's clock. */
  readonly at: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headerNames: readonly string[];
  /** `null` until the server answers, and for good if it never does. */
  status: number | null;
}

/** Requests kept, the latest. */
const recentCapacity = 200;

/** Counts the requests of clients, which shows how politely they poll. */
export class RequestCounters {
  total = 0;
  greatestInFlight = 0;
  bytesSent = 0;
  /** By method and route, e.g. `GET /api/users/:email/transfers/sent-transfers`. */
  private byRoute = new Map<string, number>();
  /** Oldest first. */
  private recent: LoggedRequest[] = [];
  private inFlight = 0;

  /** Counts an arrived request; the caller sets the status in `logged`, then calls {@link ended}. */
  began(route: string, logged: LoggedRequest): void {
    this.total += 1;
    this.byRoute.set(route, this.ofRoute(route) + 1);
    this.inFlight += 1;
    this.greatestInFlight = Math.max(this.greatestInFlight, this.inFlight);
    this.recent.push(logged);
    if (this.recent.length > recentCapacity) this.recent.shift();
  }

  /** Notes that the answer is sent, or that the connection is gone. */
  ended(): void {
    this.inFlight -= 1;
  }

  ofRoute(route: string): number {
    return this.byRoute.get(route) ?? 0;
  }

  report() {
    const { total, greatestInFlight, bytesSent, recent } = this;
    return { total, byRoute: Object.fromEntries(this.byRoute), greatestInFlight, bytesSent, recent: [...recent] };
  }

  /** Starts counting anew; unanswered requests stay in flight. */
  reset(): void {
    this.total = 0;
    this.greatestInFlight = this.inFlight;
    this.bytesSent = 0;
    this.byRoute = new Map();
    this.recent = [];
  }
}
