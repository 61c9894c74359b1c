import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { Listing } from '#functions/cryptshare/listing.ts';
import { ListingMemory } from '#functions/cryptshare/listing-memory.ts';
import type { TokenSource } from '#functions/cryptshare/tokens.ts';
import { childEnvironment, peakMemory } from '#test/support/child-process.ts';
import { clientId, given } from '#test/support/poll-world.ts';

const MiB = 1024 * 1024;

/** A server that ignores `fields`: it answers whole transfers, `padding` characters for each. */
async function startGenerousServer(transfersOf: (mailbox: string) => number, padding: number): Promise<string> {
  const details = 'x'.repeat(padding);
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    if (pathname === '/api/status') return response.writeHead(404).end();
    const first = 100 * (Number(searchParams.get('page')) - 1);
    const rows = Math.max(0, Math.min(100, transfersOf(decodeURIComponent(pathname.split('/')[3]!)) - first));
    const data = Array.from({ length: rows }, (_, index) => ({
      trackingId: `20240522-065711-${String(first + index).padStart(8, '0')}`,
      status: { state: 'ACTIVE' },
      details,
    }));
    return response.end(JSON.stringify({ data }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function startClient(origin: string, memory: ListingMemory, tokens: Partial<TokenSource> = {}): CryptshareClient {
  const calls = new ServerCalls({
    ...{ origin, clientId, maxConcurrentPages: 4, random: () => 0, sleep: async () => {} },
    ...{ now: () => new Date(), steady: Date.now },
  });
  const client = new CryptshareClient(calls, { ...given('token'), ...tokens }, memory);
  onTestFinished(() => client.calls.close());
  return client;
}

/** Lists mailboxes at the same time, with one memory for all of their listings. */
async function listTogether(sizes: Readonly<Record<string, number>>, memory: ListingMemory) {
  const origin = await startGenerousServer((mailbox) => sizes[mailbox]!, 0);
  const client = startClient(origin, memory);
  return Promise.all(
    Object.keys(sizes).map((mailbox) => client.list({ mailbox, direction: 'sent' }, 'all', 0, Date.now() + 60_000)),
  );
}

describe('ListingMemory', () => {
  it('lists 100,000 transfers of a server that ignores `fields` with a heap of 96 MB and below 300 MB in all', async () => {
    const url = await startGenerousServer(() => 100_000, 2500);
    const script = `
      import { CryptshareClient } from './functions/cryptshare/client.ts';
      import { ServerCalls } from './functions/cryptshare/api-calls.ts';
      const calls = new ServerCalls({
        origin: process.env.SERVER, clientId: 'x', maxConcurrentPages: 4,
        now: () => new Date(), steady: Date.now, random: Math.random, sleep: async () => {},
      });
      const client = new CryptshareClient(calls, { tokenFor: async () => 'token', accepted: () => {} });
      const watch = { mailbox: 'alice@example.com', direction: 'sent' };
      const { listing, failure } = await client.list(watch, 'all', 0, Date.now() + 100_000);
      console.log(JSON.stringify({ failure, size: listing.size, peak: ${peakMemory} / 1024 }));
      client.calls.close();`;
    const child = spawn(process.execPath, ['--max-old-space-size=96', '--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...childEnvironment, SERVER: url },
    });
    const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    const { peak, ...seen } = JSON.parse(out || '{}');
    expect(seen).toEqual({ size: 100_000 });
    expect(peak).toBeLessThan(300);
  });

  it('fails for want of the memory that all listings of a process share, and harms no other', async () => {
    const memory = new ListingMemory(MiB);
    const passes = await listTogether({ 'large@example.com': 30_000, 'small@example.com': 250 }, memory);
    expect(passes.map(({ failure }) => failure?.kind)).toEqual(['listing_too_large', undefined]);
    expect(passes[0]!.failure?.message).toContain('1 MiB');
    expect(passes[1]!.listing.size).toBe(250);
    expect(memory.used).toBeLessThanOrEqual(MiB);
    for (const { listing } of passes) listing.release();
    expect(memory.used).toBe(0);
  });

  it('releases its memory when AWS fails', async () => {
    const memory = new ListingMemory();
    const server = http.createServer((_, response) => response.writeHead(401).end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const reject = async () => Promise.reject(new Error('the table cannot be reached'));
    const client = startClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, memory, { reject });
    const listing = client.list({ mailbox: 'alice@example.com', direction: 'sent' }, 'all', 1000, Date.now() + 60_000);
    await expect(listing).rejects.toThrow('the table cannot be reached');
    expect(memory.used).toBe(0);
  });

  it('takes the memory of its columns, and releases all of it', () => {
    const memory = new ListingMemory();
    for (const expected of [0, 5000]) {
      const listing = new Listing(expected, memory);
      for (let page = 0; page < 50; page += 1) {
        const rows = Array.from({ length: 100 }, (_, index) => ({
          trackingId: `t-${100 * page + index}`,
          state: 'ACTIVE',
        }));
        listing.addPage(JSON.stringify(rows));
      }
      expect(memory.used).toBeGreaterThan(5000 * 20);
      expect(memory.used).toBeLessThan(5000 * 120);
      listing.release();
      listing.release();
      expect(memory.used).toBe(0);
    }
  });

  it('has room for a million transfers with tracking ids of the usual length', () => {
    const memory = new ListingMemory();
    new Listing(1_000_000, memory).release();
    for (const tooMany of [1_500_000, 10_000_000]) {
      expect(() => new Listing(tooMany, memory)).toThrow(expect.objectContaining({ kind: 'listing_too_large' }));
      expect(memory.used).toBe(0);
    }
  });
});
