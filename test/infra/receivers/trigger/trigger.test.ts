import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { DevelopersReceiver, secret } from '#test/infra/receivers/developers-receiver.ts';

let receiver: DevelopersReceiver;

beforeEach(async () => {
  receiver = new DevelopersReceiver();
  await receiver.start();
});

afterEach(() => receiver.kill());

const trigger = (...args: readonly string[]) =>
  run(['trigger', ...args, '--to', receiver.url], { environment: { WEBHOOK_SECRET: secret } });

describe('trigger', () => {
  it('sends one event of the type, marked as a test in id and header, and tells it in a line', async () => {
    const ran = await trigger('transfer.failed');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [{ id, body, headers } = { id: '', body: '{}', headers: {} }] = receiver.taken;
    expect(JSON.parse(body)).toMatchObject({ id, type: 'transfer.failed', data: { state: 'FAILED', sequence: 1 } });
    expect(id).toMatch(/^evt_0000test/);
    expect(headers['transfer-notifier-test']).toBe('trigger');
    expect(ran.stdout).toMatch(
      /^\d\d:\d\d:\d\d {2}204 +\d+ ms {2}transfer\.failed {2}TEST-\w{8} {2}from alice@example\.com {2}#1$/m,
    );
    expect(ran.stdout).not.toContain(secret);
  });

  it('sends 300 events out of order, each twice at once', async () => {
    const args = ['--times', '300', '--out-of-order', '--twice', '--tracking-id', 'T1', '--mailbox', 'bob@example.org'];
    expect((await trigger('transfer.active', ...args, '--seed', '5')).code).toBe(0);
    const events = receiver.taken.map(({ body }) => JSON.parse(body));
    expect(events).toHaveLength(600);
    expect(Map.groupBy(receiver.taken, ({ id }) => id).size).toBe(300);
    const sequences = events.map(({ data }) => data.sequence);
    expect(new Set(sequences)).toEqual(new Set(Array.from({ length: 300 }, (_, index) => index + 1)));
    expect(sequences).not.toEqual(sequences.toSorted((a, b) => a - b));
    expect(events.every(({ data }) => data.trackingId === 'T1' && data.mailbox === 'bob@example.org')).toBe(true);
  });

  it('lists the types in lines of at most 100 columns where there is no such type', async () => {
    const ran = await trigger('transfer.lost');
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no type transfer.lost') });
    expect(ran.stderr.split('\n').filter((line) => line.length > 100)).toEqual([]);
    for (const type of eventTypes) expect(ran.stderr).toContain(type);
  });

  it('prints JSON for scripts, with a new secret in the first line', async () => {
    const ran = await run(['trigger', 'watch.failing', '--json', '--to', receiver.url]);
    const [first, second] = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toEqual({ to: receiver.url, seed: expect.any(String), secret: expect.stringMatching(/^whsec_/) });
    // The receiver has another secret, and drops what it cannot verify.
    expect(second).toMatchObject({ type: 'watch.failing', failure: 'broken' });
  });

  it('ends with 1 and the remedy when the receiver refuses', async () => {
    receiver.answer = (response) => response.writeHead(404).end();
    const ran = await trigger('transfer.active', '--times', '3');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^the receiver: HTTP 404; check the path of its URL/);
    expect(ran.stderr.match(/HTTP 404/g)).toHaveLength(1);
    expect(ran.stderr).toContain('the receiver took 0 of 3 requests, of which 3 were sent');
  });

  it('sends to a confirmed receiver on this machine as well', async () => {
    expect((await trigger('transfer.failed', '--i-own-this')).code).toBe(0);
  });

  it('gives events new ids in each run, unless a seed is named', async () => {
    for (const args of [[], [], ['--seed', '7'], ['--seed', '7']]) await trigger('transfer.failed', ...args);
    expect(new Set(receiver.taken.map(({ id }) => id)).size).toBe(3);
  });

  it('ends at once by Ctrl-C while the receiver does not answer', async () => {
    const interruption = new AbortController();
    receiver.answer = () => interruption.abort();
    const began = performance.now();
    const ran = await run(['trigger', 'transfer.failed', '--to', receiver.url], {
      environment: { WEBHOOK_SECRET: secret },
      interrupted: interruption.signal,
    });
    // Without Ctrl-C, the request would end after 15 s.
    expect(performance.now() - began).toBeLessThan(14_000);
    expect(ran).toMatchObject({ code: 1, stderr: 'stopped; the receiver took 0 of 1 requests\n' });
  });

  it('sends nothing more after five requests without an answer', async () => {
    await receiver.kill();
    const ran = await trigger('transfer.active', '--times', '1000');
    expect(ran.stdout.match(/ECONNREFUSED/g)).toHaveLength(5);
    expect(ran.stderr).toContain('the receiver took 0 of 1000 requests, of which 5 were sent');
  });

  it('lists all types for an unknown one, and in its help', async () => {
    const wrong = await trigger('transfer.eaten');
    const help = await run(['trigger', '--help']);
    expect(wrong.code).toBe(2);
    for (const type of eventTypes)
      expect([wrong.stderr, help.stdout].map((text) => text.includes(type))).toEqual([true, true]);
  });

  it.each(['https://example.com/', 'http://user:sesame@localhost/', 'nonsense'])(
    'sends nothing to %s, whose owner may not want it',
    async (url) => {
      const ran = await run(['trigger', 'transfer.active', '--to', url]);
      expect(ran).toMatchObject({ code: 2, stdout: '' });
      expect(ran.stderr).not.toContain('sesame');
    },
  );
});
