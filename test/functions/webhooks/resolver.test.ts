import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dnsResolver } from '../../../functions/webhooks/resolver.ts';

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

const resolve = (name: string) => dnsResolver([`127.0.0.1:${server.address().port}`])(name);

test.each([
  ['both.example.com', ['192.0.2.1', '2606:4700:4700::1111']],
  ['four.example.com', ['192.0.2.1', '192.0.2.2']],
  ['six.example.com', ['2606:4700:4700::1111']],
  ['half.example.com', ['192.0.2.1']],
  ['half-six.example.com', ['2606:4700:4700::1111']],
  ['empty.example.com', []],
  ['none.example.com', []],
])('%s has %j', async (name, addresses) => {
  expect((await resolve(name)).toSorted()).toEqual(addresses);
});

test.each(['broken.example.com', 'half-broken.example.com'])('nothing is known of %s', async (name) => {
  await expect(resolve(name)).rejects.toMatchObject({ code: 'ESERVFAIL' });
});

test('asks for both families at each call', async () => {
  await resolve('both.example.com');
  await resolve('both.example.com');
  expect(asked.toSorted()).toEqual([
    ...['a both.example.com', 'a both.example.com'],
    ...['aaaa both.example.com', 'aaaa both.example.com'],
  ]);
});

test('knows localhost itself', async () => {
  expect(await resolve('localhost')).toEqual(['127.0.0.1']);
  expect(asked).toEqual([]);
});
