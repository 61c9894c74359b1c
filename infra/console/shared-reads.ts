import type { ApiClient, Query } from '#infra/cli/api/client.ts';
import type { PageApi } from '#infra/console/html/page.ts';

/** Milliseconds for which an answer serves further pages, unless a page wants longer: less than a person notices. */
const usuallyValidForMs = 2000;

interface Read {
  readonly answer: Promise<unknown>;
  until: number;
  /** True when news of the notifier do not end it. */
  isLasting: boolean;
}

/** Reads the operator API once for all pages that ask the same at the same time. A change forgets what was read. */
export class SharedReads implements PageApi {
  private readonly api: Pick<ApiClient, 'address' | 'get' | 'send'>;
  private readonly steady: () => number;
  private readonly reads = new Map<string, Read>();

  /** @param steady clock in milliseconds that never goes back */
  constructor(api: Pick<ApiClient, 'address' | 'get' | 'send'>, steady: () => number) {
    this.api = api;
    this.steady = steady;
  }

  get address(): string {
    return this.api.address;
  }

  get<T>(path: string, query: Query = {}, keptForMs?: (answer: T) => number | undefined): Promise<T> {
    const now = this.steady();
    for (const [key, { until }] of this.reads) if (now >= until) this.reads.delete(key);
    const key = JSON.stringify([path, Object.entries(query).toSorted()]);
    const known = this.reads.get(key);
    if (known) return known.answer as Promise<T>;
    const read: Read = { answer: this.api.get<T>(path, query), until: now + usuallyValidForMs, isLasting: false };
    this.reads.set(key, read);
    const found = (read.answer as Promise<T>).then((answer) => {
      const ownMs = keptForMs?.(answer);
      if (ownMs !== undefined) Object.assign(read, { until: now + ownMs, isLasting: true });
      return answer;
    });
    // A failure is no answer for later.
    found.catch(() => this.reads.get(key) === read && this.reads.delete(key));
    return found;
  }

  async send<T>(request: Parameters<ApiClient['send']>[0]): Promise<T> {
    try {
      return await this.api.send<T>(request);
    } finally {
      this.forget();
    }
  }

  /** Has the next pages see what has changed, except where a page wanted it to last. */
  forget(): void {
    for (const [key, { isLasting }] of this.reads) if (!isLasting) this.reads.delete(key);
  }
}
