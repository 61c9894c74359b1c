import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listenOnLoopback, newSecret } from '#infra/loopback/loopback-guard.ts';
import type { LocalRun } from './local-run.ts';
import { alice, LocalWorld, people } from './local-world.ts';

const world = await LocalWorld.start();
const { server } = world;
/** Of runs that several tests look at. */
const measured = await LocalWorld.start({ share: true });
const addressed = await LocalWorld.start({ share: true });
const held = await LocalWorld.start({ share: true });
const unverified = await LocalWorld.start({ share: true });

/** Finds a port that is free now. */
async function freePort(): Promise<number> {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** Requests on a receiver; `status` answers them. */
interface Receiver {
  readonly url: string;
  readonly asked: string[];
  status: number;
}

const receivers: http.Server[] = [];
afterAll(() => {
  for (const receiver of receivers) {
    receiver.closeAllConnections();
    receiver.close();
  }
});

async function receiver(): Promise<Receiver> {
  const asked: string[] = [];
  const listener = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(told.status).end();
  });
  receivers.push(listener);
  const told: Receiver = { url: await listenOnLoopback(listener), asked, status: 204 };
  return told;
}

/** Requests metrics. @returns content type, text and values by series */
async function metricsOf(url: string, headers: Record<string, string> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  http.get(url, { headers }, resolve).on('error', reject);
  const answer = await promise;
  const body = await text(answer);
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const values = Object.fromEntries(lines.map((line) => line.split(/ (?=\S+$)/) as [string, string]));
  return { status: answer.statusCode, type: answer.headers['content-type'], body, values };
}

/** Port of metrics that are served to other machines, once it answers. */
const served = Promise.withResolvers<number>();
/** Begins before the tests, since a digest waits ten seconds before it is held. */
let heldDigest: Promise<void>;
beforeAll(() => {
  heldDigest = holdDigest();
  heldDigest.catch(served.reject);
  served.promise.catch(() => undefined);
  heldDigest.catch(() => undefined);
});

/** Resolves once the digest is held of a reader whom the file does not name any more. */
async function holdDigest(): Promise<void> {
  const readers = [{ name: 'dave', email: 'dave@example.com' }];
  const before = held.startReal({ config: { notify: { readers } } });
  await before.line(({ outcome }) => outcome === 'baseline');
  before.kill('SIGTERM');
  await before.exit();
  const listen = await freePort();
  const run = held.startReal({ config: { metrics: { listen: `0.0.0.0:${listen}` } } });
  await run.line(({ kind }) => kind === 'ready');
  served.resolve(listen);
  held.server.transfers.create(people);
  await run.line(({ kind, endpoint, status }) => kind === 'delivery' && endpoint === 'dave' && status === 'HELD');
}

describe('metrics of a local run', () => {
  let listen: number;
  let url: string;
  let crm: Receiver;
  let run: LocalRun;

  beforeAll(async () => {
    crm = await receiver();
    const broken = await receiver();
    broken.status = 500;
    listen = await freePort();
    url = `http://127.0.0.1:${listen}/metrics`;
    run = measured.startReal({
      config: {
        metrics: { listen },
        webhooks: [
          { name: 'crm', url: crm.url },
          { name: 'broken', url: broken.url, retryDelays: ['1h'] },
        ],
        notify: { readers: [{ name: 'dave', email: 'dave@example.com', when: 'daily at 07:30' }] },
      },
      args: ['--allow-private-webhooks'],
    });
  });

  it('tell Prometheus of polls, deliveries, endpoints and the process, but of no mailbox and no reader', async () => {
    const before = Date.now() / 1000;
    await run.line(({ outcome }) => outcome === 'baseline');
    const { trackingId } = measured.server.transfers.create(people);
    await run.line(({ kind, endpoint }) => kind === 'delivery' && endpoint === 'crm');
    await run.line(({ kind, endpoint }) => kind === 'delivery' && endpoint === 'broken');
    // A delivery may end before the poll that has found its event.
    await run.line(({ outcome }) => outcome === 'changed');
    const { type, body, values } = await metricsOf(url);

    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
    const attempts = (endpoint: string, outcome: string) =>
      values[`transfer_notifier_attempts_total{endpoint="${endpoint}",outcome="${outcome}"}`];
    expect(attempts('crm', 'delivered')).toBe('1');
    expect(attempts('broken', 'failed')).toBe('1');
    expect(values).toMatchObject({
      'transfer_notifier_polls_total{outcome="baseline"}': '1',
      'transfer_notifier_polls_total{outcome="failed"}': '0',
      transfer_notifier_events_published_total: '1',
      'transfer_notifier_deliveries_total{endpoint="crm",status="DELIVERED"}': '1',
      'transfer_notifier_deliveries_total{endpoint="broken",status="PENDING"}': '1',
      'transfer_notifier_watches{state="enabled"}': '1',
      'transfer_notifier_watches{state="failing"}': '0',
      'transfer_notifier_endpoints{status="active"}': '3',
      'transfer_notifier_endpoint_failing{endpoint="broken"}': '0',
      'transfer_notifier_endpoint_failing{endpoint="(readers)"}': '0',
      // The failed one, and the event that waits for the reader's digest.
      'transfer_notifier_deliveries_waiting{state="pending"}': '2',
      'transfer_notifier_deliveries_waiting{state="held"}': '0',
      transfer_notifier_oldest_overdue_seconds: '0',
    });
    for (const instant of ['last_complete_listing', 'last_good_tick'])
      expect(Number(values[`transfer_notifier_${instant}_timestamp_seconds`])).toBeGreaterThan(before);
    for (const name of ['transfer_notifier_server_requests_total', 'process_resident_memory_bytes'])
      expect(Number(values[name])).toBeGreaterThan(0);
    for (const secret of [alice, 'dave', trackingId, crm.url]) expect(body).not.toContain(secret);
    await run.line(({ kind, ...facts }) => kind === 'ready' && JSON.stringify(facts).includes(`:${listen}/metrics`));
  });

  it('refuse web pages on the loopback interface, also those by DNS rebinding, and know no other page', async () => {
    expect((await metricsOf(url)).status).toBe(200);
    expect((await metricsOf(url, { host: 'attacker.example.com' })).status).toBe(403);
    expect((await metricsOf(url, { origin: 'https://attacker.example.com' })).status).toBe(403);
    expect((await metricsOf(`http://127.0.0.1:${listen}/status`)).status).toBe(404);
  });

  it('are served to other machines by any name where the configuration says so, but not to web pages', async () => {
    const url = `http://0.0.0.0:${await served.promise}/metrics`;
    expect((await metricsOf(url, { host: 'notifier.example.com:9464' })).status).toBe(200);
    expect((await metricsOf(url, { origin: 'https://attacker.example.com' })).status).toBe(403);
  });
});

describe('a local run with an address for its operator API and a heartbeat', () => {
  let listen: number;
  let heartbeat: Receiver;
  let run: LocalRun;
  beforeAll(async () => {
    listen = await freePort();
    heartbeat = await receiver();
    const config = { operator: { listen }, heartbeat: { url: `${heartbeat.url}/ping/one?status=up` } };
    run = addressed.startReal({ config });
    await run.line(({ outcome }) => outcome === 'baseline');
  });

  it('sends the heartbeat after a tick that listed a watch', async () => {
    await expect.poll(() => heartbeat.asked).toEqual(['GET /ping/one?status=up']);
    await run.line(({ outcome }) => outcome === 'unchanged');
    expect(heartbeat.asked).toHaveLength(1);
  });

  it('has its operator API at the address', () => {
    expect(addressed.operator().url).toBe(`http://127.0.0.1:${listen}`);
  });

  it('serves metrics with the token of the operator API where the configuration names no address', async () => {
    const { url, token } = addressed.operator();
    const { values, status } = await metricsOf(`${url}/metrics`, { authorization: `Bearer ${token}` });
    expect(status).toBe(200);
    expect(values['transfer_notifier_polls_total{outcome="baseline"}']).toBe('1');
    expect(await metricsOf(`${url}/metrics`)).toMatchObject({ status: 401, values: {} });
  });
});

describe('an address to listen on', () => {
  it.each(['operator', 'metrics'])(
    'tells of the port of %s in use with its remedy, and ends so that a supervisor tries again',
    async (name) => {
      const taken = new URL((await receiver()).url).port;
      const run = world.startReal({ config: { [name]: { listen: Number(taken) } } });
      expect(await run.exit()).toBe(1);
      expect(run.stderr).toBe(
        `${name}.listen: 127.0.0.1:${taken} is in use by another program: stop that one, or choose another port\n`,
      );
    },
  );

  it('tells of an address that this machine does not have', async () => {
    const run = world.startReal({ config: { metrics: { listen: '203.0.113.1:9464' } } });
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toBe(
      'metrics.listen: this machine has no address 203.0.113.1: bring its network up, or correct the address\n',
    );
  });
});

describe('a local run with a heartbeat, whose mailbox is not verified', () => {
  const unregistered = 'unregistered'.repeat(5);
  let heartbeat: Receiver;
  let run: LocalRun;
  beforeAll(async () => {
    heartbeat = await receiver();
    const config = { heartbeat: { url: heartbeat.url } };
    run = unverified.startReal({ config, environment: { CRYPTSHARE_CLIENT_ID: unregistered } });
    await run.line(({ problem }) => problem !== undefined);
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
  });

  it('names cause and remedy of a mailbox that is not verified, and prints no secret', async () => {
    expect((await run.line((line) => line.problem !== undefined)).problem).toMatchObject({
      cause: 'not_verified',
      message: expect.stringContaining('npm run notifier -- watch verify'),
    });
    expect(run.stdout + run.stderr).not.toContain(unregistered);
  });

  it('has a heartbeat that stays away while no watch can be listed', () => {
    expect(heartbeat.asked).toEqual([]);
  });
});

describe('heartbeat of a local run', () => {
  it('fails without an end of the notifier, which tells it without the address', async () => {
    const receiving = await receiver();
    receiving.status = 404;
    const secret = newSecret();
    const run = world.startReal({ config: { heartbeat: { url: `${receiving.url}/${secret}` } } });
    await run.line(({ kind, text = '' }) => kind === 'warning' && text.includes('heartbeat.url fails (HTTP 404)'));
    const { trackingId } = server.transfers.create(people);
    await run.line(({ kind, event }) => kind === 'event' && event!.data.trackingId === trackingId);
    run.kill('SIGTERM');
    expect(await run.exit()).toBe(0);
    expect(run.stdout + run.stderr).not.toContain(secret);
    expect(run.stdout.match(/heartbeat/g)).toHaveLength(2);
  });
});

describe('metrics of a local run, after the file has named one reader less', () => {
  it('do not name the reader, whose deliveries are held', async () => {
    await heldDigest;
    const { body, values } = await metricsOf(`http://127.0.0.1:${await served.promise}/metrics`);
    expect(values['transfer_notifier_deliveries_total{endpoint="(readers)",status="HELD"}']).toBe('1');
    expect(body).not.toContain('dave');
  });
});
