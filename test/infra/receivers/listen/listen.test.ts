import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '#test/infra/cli/run-cli.ts';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { DevelopersReceiver, secret } from '#test/infra/receivers/developers-receiver.ts';

const api = await startOperatorApi();

interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: object;
}

let stored: StoredEvent[];

/** Stores events that began a minute ago, a millisecond apart. */
function store(count: number, prefix = 'evt'): void {
  const start = Date.now() - 60_000;
  stored = Array.from({ length: count }, (_, index) => ({
    id: `${prefix}_${index}`,
    type: 'transfer.active',
    timestamp: new Date(start + index).toISOString(),
    data: { trackingId: `T${index}`, mailbox: 'alice@example.com', direction: 'sent', state: 'ACTIVE' },
  }));
}

beforeEach(() => {
  stored = [];
  api.on('GET /events', ({ url }) => {
    const { searchParams } = new URL(url, api.url);
    const [after, done] = (searchParams.get('cursor') ?? '').split('_').map(Number);
    const start = after || Date.parse(searchParams.get('after') ?? '');
    const later = stored.filter(({ timestamp }) => Date.parse(timestamp) >= start);
    const items = later.slice(done ?? 0, (done ?? 0) + 100);
    return { body: { items, next: `${start}_${(done ?? 0) + items.length}` } };
  });
});

let receiver: DevelopersReceiver;

beforeEach(async () => {
  receiver = new DevelopersReceiver();
  await receiver.start();
});

afterEach(() => receiver.kill());

interface Listening {
  readonly args?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Called at each pause; `false` ends the session. */
  readonly onPause?: () => boolean | Promise<boolean>;
}

/** Listens to all events since an hour, until everything is forwarded or `onPause` ends it. */
async function listen({
  args = [],
  environment = {},
  onPause = () => receiver.taken.length < stored.length,
}: Listening = {}) {
  const interruption = new AbortController();
  const sleep = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    if (!(await onPause())) interruption.abort();
  };
  return run(['listen', '--url', api.url, '--forward-to', receiver.url, '--from', '1h', ...args], {
    environment: { WEBHOOK_SECRET: secret, ...environment },
    sleep,
    interrupted: interruption.signal,
  });
}

describe('listen', () => {
  it('forwards each event with its stored bytes, signed, and tells it in a line', async () => {
    store(3);
    const ran = await listen();
    expect(ran.code).toBe(0);
    expect(receiver.taken.map(({ body }) => body).toSorted()).toEqual(
      stored.map((one) => JSON.stringify(one)).toSorted(),
    );
    expect(ran.stdout).toMatch(/^\d\d:\d\d:\d\d {2}204 +\d+ ms {2}transfer\.active {2}T0 {2}from alice@example\.com$/m);
    expect(ran.stdout).not.toContain(secret);
    expect(ran.stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  it('reads the operator API, and changes nothing there', async () => {
    store(2);
    await listen();
    expect(new Set(api.requests.map(({ method, url }) => `${method} ${url.split('?')[0]}`))).toEqual(
      new Set(['GET /events']),
    );
  });

  it('asks for what operators have sent again, and forwards it under the same id, marked as again', async () => {
    store(1);
    stored.push(stored[0]!);
    const ran = await listen({ onPause: () => receiver.taken.length < 2 });
    expect(receiver.taken.map(({ id }) => id)).toEqual(['evt_0', 'evt_0']);
    expect(ran.stdout.match(/ 204 .* T0 {2}from alice@example\.com( {2}again)?$/gm)).toMatchObject([
      expect.not.stringContaining('again'),
      expect.stringContaining('again'),
    ]);
    expect(api.requests.map(({ url }) => new URL(url, api.url).searchParams.get('resends'))).toContain('true');
  });

  it('asks a notifier for events of the wanted types, mailbox and direction alone', async () => {
    await listen({
      args: ['--type', 'transfer.failed,watch.*', '--mailbox', 'alice@example.com', '--direction', 'sent'],
      onPause: () => false,
    });
    expect(Object.fromEntries(new URL(api.requests[0]!.url, api.url).searchParams)).toMatchObject({
      type: 'transfer.failed,watch.*',
      mailbox: 'alice@example.com',
      direction: 'sent',
    });
  });

  it('prints a new secret that no other session has, unless WEBHOOK_SECRET holds one', async () => {
    const ends = { environment: { WEBHOOK_SECRET: '' }, onPause: () => false };
    const secrets = [await listen(ends), await listen(ends)].map(({ stdout }) => /whsec_\S+/.exec(stdout)?.[0]);
    expect(new Set(secrets).size).toBe(2);
    expect((await listen({ ...ends, args: ['--json'] })).stdout).toContain('"secret":"whsec_');
  });

  it('tells a refusal once with its remedy, sends the event five times in all, and goes on', async () => {
    store(2);
    const later = () => ({
      ...{ ...stored[0]!, id: 'evt_later', timestamp: new Date().toISOString() },
      data: { ...stored[0]!.data, trackingId: 'Tlater' },
    });
    let requests = 0;
    receiver.answer = (response) => {
      requests += 1;
      response.writeHead(requests <= 10 ? 401 : 204).end();
      if (requests === 10) stored.push(later());
    };
    const ran = await listen({ onPause: () => requests < 11 });
    expect(ran.stdout).toMatch(/ 401 .* T0 {2}from alice@example\.com {2}attempt 5$/m);
    expect(ran.stdout).toMatch(/ 204 .* Tlater {2}from alice@example\.com$/m);
    expect(ran.stderr.match(/HTTP 401; see whether it has the secret/g)).toHaveLength(1);
  });

  it('waits for a receiver that does not run yet, and says so once', async () => {
    store(1);
    await receiver.kill();
    let pauses = 0;
    const ran = await listen({
      async onPause() {
        pauses += 1;
        if (pauses === 9) await receiver.start();
        return receiver.taken.length === 0;
      },
    });
    expect(receiver.taken).toMatchObject([{ id: 'evt_0' }]);
    expect(ran.stderr.match(/the connection was refused \(ECONNREFUSED\)/g)).toHaveLength(1);
    expect(ran.stderr.replaceAll(/\s+/g, ' ')).toContain('its events wait, and are sent again until it answers');
  });

  it('ends at a fault of the source, though a receiver that does not run has events to take', async () => {
    store(3);
    await receiver.kill();
    let asked = 0;
    const [items, refusal] = [stored, { title: 'Forbidden', status: 403, detail: 'the right was taken away' }];
    api.on('GET /events', () => {
      asked += 1;
      return asked === 1 ? { body: { items, next: 'more' } } : { status: 403, body: refusal };
    });
    // A listen that goes on is ended by its pauses, and then has another exit code.
    let pauses = 0;
    const ran = await listen({
      onPause() {
        pauses += 1;
        return pauses < 200;
      },
    });
    expect(ran.code).toBeGreaterThan(0);
    expect(pauses).toBeLessThan(200);
    expect(ran.stderr).toContain('3 not taken yet: begin again with --from');
  });

  it('says from when to begin again if it ends before the receiver has taken all', async () => {
    store(3);
    await receiver.kill();
    let pauses = 0;
    const ran = await listen({
      onPause() {
        pauses += 1;
        return pauses < 5;
      },
    });
    expect(ran.stderr).toContain(`3 not taken yet: begin again with --from ${stored[0]!.timestamp}`);
    await receiver.start();
    await listen({ args: ['--from', stored[0]!.timestamp] });
    expect(new Set(receiver.taken.map(({ id }) => id))).toEqual(new Set(stored.map(({ id }) => id)));
  });

  it.each([
    ['https://example.com/hooks', 'example.com is not this machine: expected a receiver on this one'],
    ['http://user:sesame@localhost/', 'expected a URL without user and password'],
    ['localhost:3000', 'expected a URL such as'],
  ])('refuses to forward to %s before any request', async (url, reason) => {
    const ran = await run(['listen', '--url', api.url, '--forward-to', url]);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(reason);
    expect(ran.stderr).not.toContain('sesame');
    expect(api.requests).toEqual([]);
  });

  it.each(['whsec_short', 'whsk_aaaa', 'example'])('refuses the secret %s without repeating it', async (text) => {
    const ran = await run(['listen', '--url', api.url, '--forward-to', receiver.url], {
      environment: { WEBHOOK_SECRET: text },
    });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('the secret cannot be used');
    expect(ran.stderr).not.toContain(text);
  });

  it('loses and invents nothing over 1,000 events, whenever receiver and listener are killed', async () => {
    const kills = fc.array(
      fc.record({ after: fc.integer({ min: 1, max: 250 }), whom: fc.constantFrom('receiver', 'listener', 'answer') }),
      {
        minLength: 3,
        maxLength: 8,
      },
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(kills, async (plan) => {
        runs += 1;
        store(1000, `evt_${runs}`);
        receiver.taken.length = 0;
        const left = [...plan];
        let isListenerKilled = false;
        let next = left[0]?.after ?? Infinity;
        receiver.answer = (response) => {
          if (receiver.taken.length < next) return void response.writeHead(204).end();
          const { whom } = left.shift()!;
          next = receiver.taken.length + (left[0]?.after ?? Infinity);
          if (whom === 'listener') isListenerKilled = true;
          // The receiver has the event, but its answer never comes.
          if (whom === 'receiver') void receiver.kill();
          else response.destroy();
        };
        // A killed listener may have requests of an earlier run in flight.
        const taken = () => receiver.taken.filter(({ id }) => id.startsWith(`evt_${runs}_`));
        const have = () => new Set(taken().map(({ id }) => id));
        for (let sessions = 0; have().size < 1000 && sessions < 20; sessions += 1) {
          isListenerKilled = false;
          await listen({
            async onPause() {
              await receiver.start();
              return !isListenerKilled && have().size < 1000;
            },
          });
        }
        expect(have()).toEqual(new Set(stored.map(({ id }) => id)));
        const bytes = new Set(stored.map((one) => JSON.stringify(one)));
        expect(taken().filter(({ body }) => !bytes.has(body))).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });
});
