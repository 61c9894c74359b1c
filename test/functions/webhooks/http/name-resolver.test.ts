import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { askServers, dnsResolver } from '#functions/webhooks/http/name-resolver.ts';

type Records = readonly (readonly number[])[] | 'no such name' | 'failure';

const types: Record<number, 'a' | 'aaaa'> = { 1: 'a', 28: 'aaaa' };
const responseCodes = { failure: 2, 'no such name': 3 };
const ipv6 = [0x26, 0x06, 0x47, 0, 0x47, 0, ...Array<number>(8).fill(0), 0x11, 0x11];

const zone: Record<string, Record<'a' | 'aaaa', Records>> = {
  'both.example.com': { a: [[192, 0, 2, 1]], aaaa: [ipv6] },
  'four.example.com': {
    a: [
      [192, 0, 2, 1],
      [192, 0, 2, 2],
    ],
    aaaa: [],
  },
  'six.example.com': { a: [], aaaa: [ipv6] },
  'half.example.com': { a: [[192, 0, 2, 1]], aaaa: 'failure' },
  'half-six.example.com': { a: 'failure', aaaa: [ipv6] },
  'empty.example.com': { a: [], aaaa: [] },
  'none.example.com': { a: 'no such name', aaaa: 'no such name' },
  'broken.example.com': { a: 'failure', aaaa: 'failure' },
  'half-broken.example.com': { a: [], aaaa: 'failure' },
};

let server: Socket;
let asked: string[];

/** Answers the question of a DNS query (RFC 1035, section 4) from the zone. */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const name = labels.join('.');
  asked.push(`${types[type]} ${name}`);
  const records = zone[name]?.[types[type]!] ?? 'no such name';
  const [code, data] = typeof records === 'string' ? [responseCodes[records], []] : [0, records];
  const header = Buffer.from([0, 0, 0x81, 0x80 + code, 0, 1, 0, data.length, 0, 0, 0, 0]);
  query.copy(header, 0, 0, 2);
  const answers = data.map((bytes) => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]));
  return Buffer.concat([header, query.subarray(12, at + 5), ...answers]);
}

beforeEach(async () => {
  asked = [];
  server = createSocket('udp4', (query, { port, address }) => server.send(answer(query), port, address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => void server.close());

const ask = (name: string) => askServers(name, [`127.0.0.1:${server.address().port}`]);

describe('askServers', () => {
  test.each([
    ['both.example.com', ['192.0.2.1', '2606:4700:4700::1111']],
    ['four.example.com', ['192.0.2.1', '192.0.2.2']],
    ['six.example.com', ['2606:4700:4700::1111']],
    ['half.example.com', ['192.0.2.1']],
    ['half-six.example.com', ['2606:4700:4700::1111']],
    ['empty.example.com', []],
    ['none.example.com', []],
  ])('finds of %s: %j', async (name, addresses) => {
    expect((await ask(name)).toSorted()).toEqual(addresses);
  });

  test.each(['broken.example.com', 'half-broken.example.com'])('fails for %s', async (name) => {
    await expect(ask(name)).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });

  test('queries both families at each call', async () => {
    await ask('both.example.com');
    await ask('both.example.com');
    expect(asked.toSorted()).toEqual([
      ...['a both.example.com', 'a both.example.com'],
      ...['aaaa both.example.com', 'aaaa both.example.com'],
    ]);
  });
});

/** Names of the machine's own hosts file, with the address that each has there first. */
const ownHosts = readFileSync('/etc/hosts', 'utf8')
  .split('\n')
  .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
  .flatMap(([address = '', ...names]) => (isIP(address) === 4 ? names.map((name) => ({ name, address })) : []))
  .filter(({ name }) => name !== 'localhost');

describe('dnsResolver', () => {
  test.each(['localhost', 'localhost.', 'app.localhost', 'a.b.localhost.'])(
    'takes %s for this machine by IPv4 and IPv6, without a look-up',
    async (name) => {
      const refuse = vi.fn();
      expect(await dnsResolver({ system: refuse, direct: refuse })(name)).toEqual(['127.0.0.1', '::1']);
      expect(refuse).not.toHaveBeenCalled();
    },
  );

  test('reads the hosts file', async () => {
    const { name, address } = ownHosts[0] ?? { name: '127.0.0.1', address: '127.0.0.1' };
    expect(await dnsResolver()(name)).toContain(address);
  });

  test('fails with the code of the system for a name that it does not know', async () => {
    const direct = vi.fn();
    await expect(dnsResolver({ direct })('none.invalid')).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    });
    expect(direct).not.toHaveBeenCalled();
  });
});

describe('dnsResolver while the system looks up a slow name', () => {
  const addressOf: Record<string, string> = { 'slow.example.com': '192.0.2.1', 'quick.example.com': '192.0.2.2' };

  /** A system that answers when it is told to, and name servers that know one name. */
  async function busy() {
    const answers = new Map<string, () => void>();
    const system = vi.fn(
      (name: string) => new Promise<string[]>((resolve) => answers.set(name, () => resolve([addressOf[name]!]))),
    );
    const direct = vi.fn(async (name: string) => (name === 'quick.example.com' ? ['192.0.2.2'] : []));
    const resolve = dnsResolver({ system, direct, patienceMs: 0 });
    const slow = resolve('slow.example.com');
    await vi.waitFor(() => expect(system).toHaveBeenCalledTimes(1));
    return { system, direct, resolve, slow, answer: (name: string) => answers.get(name)!() };
  }

  test('queries name servers for other names, and never the system for two at a time', async () => {
    const { system, direct, resolve, slow, answer } = await busy();
    expect(await resolve('quick.example.com')).toEqual(['192.0.2.2']);
    expect([system.mock.calls, direct.mock.calls]).toEqual([[['slow.example.com']], [['quick.example.com']]]);
    answer('slow.example.com');
    expect(await slow).toEqual(['192.0.2.1']);
  });

  test('waits for the system with a name that name servers do not know', async () => {
    const { system, direct, resolve, slow, answer } = await busy();
    addressOf.receiver = '10.0.0.7';
    const local = resolve('receiver');
    await vi.waitFor(() => expect(direct).toHaveBeenCalledWith('receiver'));
    answer('slow.example.com');
    await slow;
    await vi.waitFor(() => expect(system).toHaveBeenCalledWith('receiver'));
    answer('receiver');
    expect(await local).toEqual(['10.0.0.7']);
  });

  test('shares the answer with all who wait for the slow name', async () => {
    const { system, resolve, slow, answer } = await busy();
    const again = [1, 2, 3].map(() => resolve('slow.example.com'));
    answer('slow.example.com');
    expect(await Promise.all([slow, ...again])).toEqual(Array(4).fill(['192.0.2.1']));
    expect(system).toHaveBeenCalledTimes(1);
    const later = resolve('slow.example.com');
    await vi.waitFor(() => expect(system).toHaveBeenCalledTimes(2));
    answer('slow.example.com');
    await later;
  });
});
