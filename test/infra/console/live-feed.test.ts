import { once } from 'node:events';
import http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { LiveFeed } from '#infra/console/live-feed.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { type OpenConsole, openConsole } from './console-world.ts';

const api = await startOperatorApi();

const intervalMs = 3;

/** Milliseconds for which a read is waited for. */
const silentAfterMs = 10_000;

/** A feed whose time the test moves: `look` lets it look once more, and an API that `hangs` is waited for in vain. */
function startFeed() {
  let state: unknown = 0;
  let reads = 0;
  let time = 0;
  let tookMs = 0;
  const sleeps: number[] = [];
  let news = 0;
  let go: (() => void) | undefined;
  let slept = Promise.withResolvers<void>();
  const feed = new LiveFeed({
    read: async () => {
      reads += 1;
      time += tookMs;
      if (state instanceof Error) throw state;
      return state === hanging ? new Promise(() => undefined) : state;
    },
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve());
        if (milliseconds !== silentAfterMs) {
          sleeps.push(milliseconds);
          go = resolve;
          slept.resolve();
        } else if (state === hanging) resolve();
      }),
    intervalMs,
    steady: () => time,
    onNews: () => {
      news += 1;
    },
  });
  return {
    feed,
    /** Opens a stream, and waits until the feed has looked. */
    async open() {
      const stream = feed.open()!.getReader();
      await slept.promise;
      return stream;
    },
    set: (next: unknown) => {
      state = next;
    },
    async look() {
      slept = Promise.withResolvers();
      go?.();
      await slept.promise;
    },
    counts: () => ({ reads, news }),
    /** Has each read take this time. */
    slow: (milliseconds: number) => {
      tookMs = milliseconds;
    },
    sleeps,
  };
}

/** The state of an operator API that takes requests and does not answer. */
const hanging = Symbol('hanging');

const next = async (stream: ReadableStreamDefaultReader<Uint8Array>): Promise<string> =>
  new TextDecoder().decode((await stream.read()).value);

describe('LiveFeed', () => {
  it('tells all pages of news by one read', async () => {
    const { feed, open, set, look, counts } = startFeed();
    const streams = [await open(), feed.open()!.getReader(), feed.open()!.getReader()];
    for (const stream of streams) expect(await next(stream)).toBe('retry: 5000\n\n');
    await next(streams[0]!);
    set(1);
    await look();
    for (const stream of streams) expect(await next(stream)).toMatch(/^event: news\ndata: [\w-]+\n\n$/);
    expect(counts()).toEqual({ reads: 2, news: 2 });
    feed.close();
  });

  it('has each page renew itself once, for it may be older than the first look', async () => {
    const { feed, open, look, counts } = startFeed();
    const first = await open();
    await next(first);
    expect(await next(first)).toMatch(/^event: news\n/);
    const second = feed.open()!.getReader();
    await next(second);
    await look();
    expect(await next(second)).toMatch(/^event: news\n/);
    expect(counts()).toEqual({ reads: 2, news: 2 });
    feed.close();
  });

  it('says nothing but a comment while there is no news', async () => {
    const { feed, open, look, counts } = startFeed();
    const stream = await open();
    await next(stream);
    await next(stream);
    await look();
    expect(await next(stream)).toBe(': no news\n\n');
    expect(counts()).toEqual({ reads: 2, news: 1 });
    feed.close();
  });

  it('says that an operator API does not answer which takes requests and keeps silent', async () => {
    const { feed, open, set } = startFeed();
    set(hanging);
    const stream = await open();
    await next(stream);
    expect(await next(stream)).toBe('event: late\ndata: no answer within 10 s\n\n');
    feed.close();
  });

  it('says in one line and once that the operator API does not answer, and has pages renew themselves when it does', async () => {
    const { feed, open, set, look } = startFeed();
    const stream = await open();
    await next(stream);
    await next(stream);
    set(new Error('cannot reach it\n\nevent: news\ndata: x'));
    await look();
    expect(await next(stream)).toBe('event: late\ndata: cannot reach it event: news data: x\n\n');
    await look();
    expect(await next(stream)).toBe(': no news\n\n');
    set(0);
    await look();
    expect(await next(stream)).toMatch(/^event: news\n/);
    feed.close();
  });

  it('tells a page that is opened while the operator API does not answer', async () => {
    const { feed, open, set } = startFeed();
    set(new Error('gone'));
    const stream = await open();
    await next(stream);
    expect(await next(stream)).toBe('event: late\ndata: gone\n\n');
    const second = feed.open()!.getReader();
    expect(await next(second)).toBe('retry: 5000\n\nevent: late\ndata: gone\n\n');
    feed.close();
  });

  it('looks less often where a look takes long, and as often as ever for an answer that is missing', async () => {
    const { feed, open, look, slow, set, sleeps } = startFeed();
    await open();
    slow(235);
    await look();
    set(new Error('gone'));
    await look();
    expect(sleeps).toEqual([intervalMs, 2350, intervalMs]);
    feed.close();
  });

  it('keeps connections free for pages: it has four streams at most, and another once one is closed', async () => {
    const { feed, open } = startFeed();
    const first = await open();
    for (let more = 0; more < 3; more += 1) expect(feed.open()).toBeDefined();
    expect(feed.open()).toBeUndefined();
    await first.cancel();
    expect(feed.open()).toBeDefined();
    expect(feed.open()).toBeUndefined();
    feed.close();
  });

  it('reads nothing once all pages are closed, and begins again with the next', async () => {
    const { feed, open, counts } = startFeed();
    expect(counts().reads).toBe(0);
    const stream = await open();
    await stream.cancel();
    expect(counts().reads).toBe(1);
    await open();
    expect(counts().reads).toBe(2);
    feed.close();
  });

  it('keeps no messages for a page that reads none', async () => {
    const { feed, open, set, look } = startFeed();
    const stream = await open();
    for (let news = 1; news <= 200; news += 1) {
      set(news);
      await look();
    }
    feed.close();
    let kept = 0;
    while (!(await stream.read()).done) kept += 1;
    expect(kept).toBeLessThan(110);
  });
});

describe('GET /live', () => {
  let console: OpenConsole;
  afterEach(() => console.close());
  const stream = async (): Promise<http.IncomingMessage> => {
    const request = http.get(`${console.url}/live`, { headers: { cookie: console.cookie }, agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return response;
  };

  it('streams news to four pages, and has hundreds of others ask by themselves', async () => {
    let version = 1;
    api.on('GET /status', () => ({ body: { version: `${version}`, deliveries: { oldestOverdueMs: 0 } } }));
    api.on('GET /events', { body: { items: [] } });
    console = await openConsole(api.url, { intervalMs: 1 });
    const opened = await Promise.all(Array.from({ length: 300 }, stream));
    const streams = opened.filter(({ statusCode }) => statusCode === 200);
    expect(streams).toHaveLength(4);
    expect(opened.filter(({ statusCode }) => statusCode === 503)).toHaveLength(296);
    expect(streams[0]!.headers['content-type']).toBe('text/event-stream');
    version = 2;
    for (const one of streams) {
      let text = '';
      for await (const chunk of one) {
        text += chunk;
        if (text.includes('event: news')) break;
      }
      expect(text).toMatch(/^retry: 5000\n\n/);
    }
  });

  it('has room again when a page is closed', async () => {
    api.on('GET /status', { body: { version: '1', deliveries: { oldestOverdueMs: 0 } } });
    api.on('GET /events', { body: { items: [] } });
    console = await openConsole(api.url, { intervalMs: 1 });
    const four = await Promise.all(Array.from({ length: 4 }, stream));
    expect((await stream()).statusCode).toBe(503);
    four[0]!.destroy();
    let status: number | undefined;
    // The server learns of it by itself; each try is a request.
    for (let tries = 0; tries < 1000 && status !== 200; tries += 1) status = (await stream()).statusCode;
    expect(status).toBe(200);
  });

  it('takes no place for a request for headers alone', async () => {
    console = await openConsole(api.url);
    for (let times = 0; times < 10; times += 1)
      expect((await console.ask('/live', { method: 'HEAD' })).status).toBe(503);
    expect((await stream()).statusCode).toBe(200);
  });
});

describe('pages', () => {
  it('ask the operator API once in two seconds, however many are opened at a time', async () => {
    api.on('GET /watches', { body: { items: [] } });
    const console = await openConsole(api.url, { steady: () => 0 });
    const shown = await Promise.all(Array.from({ length: 300 }, () => console.ask('/transfers')));
    await console.close();
    expect(new Set(shown.map(({ status }) => status))).toEqual(new Set([200]));
    // A look of an earlier console may still arrive.
    expect(api.calls.filter((call) => call.includes('/watches'))).toEqual(['GET /watches?limit=50']);
  });
});
