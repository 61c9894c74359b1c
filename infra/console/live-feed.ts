import { createHash } from 'node:crypto';

/**
 * Most streams at a time. Browsers keep six connections to a server, for all tabs together; the rest stays free for
 * pages. A page without a stream asks by itself, less often.
 */
const mostStreams = 4;

/** Milliseconds after which an operator API that has not answered counts as silent: a function may have to start. */
const silentAfterMs = 10_000;

/** A look that takes long, as with thousands of watches, may take this part of the time: it is work of the notifier. */
const shareOfTime = 10;

/** Milliseconds after which a browser asks for a stream again. */
const retryMs = 5000;

export interface LiveSource {
  /** Reads what pages show; each difference is news. */
  read(): Promise<unknown>;
  /** Waits until the time is over or the signal aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Least time from one look to the next. */
  readonly intervalMs: number;
  /** Clock in milliseconds that never goes back. */
  readonly steady: () => number;
  /** Called before pages are told of news, or that there is no answer. */
  onNews(): void;
}

/**
 * Tells open pages by server-sent events that there is news (`news`), or that the operator API does not answer (`late`,
 * with its words). One read serves all streams; without streams nothing is read.
 */
export class LiveFeed {
  private readonly source: LiveSource;
  private readonly streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  /** Streams that were told nothing yet: their pages may be older than the first look. */
  private readonly fresh = new Set<ReadableStreamDefaultController<Uint8Array>>();
  private readonly encoder = new TextEncoder();
  private stop = new AbortController();
  /** Last message, while the operator API does not answer. */
  private lateness: string | undefined;

  constructor(source: LiveSource) {
    this.source = source;
  }

  /** Opens a stream; undefined while there are as many as allowed. */
  open(): ReadableStream<Uint8Array> | undefined {
    if (this.streams.size >= mostStreams) return undefined;
    let own: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.streams.add(controller);
        this.fresh.add(controller);
        controller.enqueue(this.encoder.encode(`retry: ${retryMs}\n\n${this.lateness ?? ''}`));
        if (this.streams.size === 1) void this.follow();
      },
      cancel: () => this.drop(own),
    });
  }

  /** Ends all streams. */
  close(): void {
    this.stop.abort();
    for (const stream of this.streams) stream.close();
    this.streams.clear();
    this.fresh.clear();
  }

  private drop(stream: ReadableStreamDefaultController<Uint8Array>): void {
    this.streams.delete(stream);
    this.fresh.delete(stream);
    if (this.streams.size === 0) this.stop.abort();
  }

  private async follow(): Promise<void> {
    const stop = new AbortController();
    this.stop = stop;
    this.lateness = undefined;
    let known: string | undefined;
    while (!stop.signal.aborted) {
      const begun = this.source.steady();
      const { name, text } = await this.look();
      const tookMs = this.source.steady() - begun;
      if (stop.signal.aborted) return;
      const found = `${name} ${text}`;
      const message = `event: ${name}\ndata: ${text}\n\n`;
      this.lateness = name === 'late' ? message : undefined;
      if (found !== known || this.fresh.size > 0) this.source.onNews();
      for (const stream of this.streams)
        this.tell(stream, found !== known || this.fresh.has(stream) ? message : ': no news\n\n');
      this.fresh.clear();
      known = found;
      const { intervalMs } = this.source;
      await this.source.sleep(name === 'late' ? intervalMs : Math.max(intervalMs, tookMs * shareOfTime), stop.signal);
    }
  }

  private async look(): Promise<{ readonly name: 'news' | 'late'; readonly text: string }> {
    const answered = new AbortController();
    const silence = this.source.sleep(silentAfterMs, answered.signal).then(() => {
      throw new Error(`no answer within ${silentAfterMs / 1000} s`);
    });
    try {
      const state = JSON.stringify(await Promise.race([this.source.read(), silence]));
      return { name: 'news', text: createHash('sha256').update(state).digest('base64url').slice(0, 12) };
    } catch (error) {
      return { name: 'late', text: (error as Error).message.replaceAll(/\s+/g, ' ') };
    } finally {
      answered.abort();
      silence.catch(() => undefined);
    }
  }

  private tell(stream: ReadableStreamDefaultController<Uint8Array>, text: string): void {
    // A page that reads nothing, as of a sleeping machine, asks again when it is awake.
    if ((stream.desiredSize ?? 0) > -mostQueued) stream.enqueue(this.encoder.encode(text));
  }
}

/** Messages that wait for one page at most. */
const mostQueued = 100;
