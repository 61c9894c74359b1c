import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressFinder } from '#functions/transfers/address-finder.ts';
import { existing } from './mailbox-addresses.ts';

const substitute = 'a forgotten mailbox';

/** Spellings of an address that mean the same mailbox. */
function spellingsOf(address: string): string[] {
  const at = address.lastIndexOf('@') + 1;
  const [name, domain] = [address.slice(0, at), address.slice(at)];
  const capital = [...address]
    .map((letter) => (letter.toUpperCase().length === 1 ? letter.toUpperCase() : letter))
    .join('');
  return [address, capital, address.normalize('NFD'), `${name.toUpperCase()}${domain}`, name + domainToASCII(domain)];
}

/** Texts around an address as the tables have them. */
const around: readonly ((address: string) => string)[] = [
  (address) => `Cannot watch transfers sent by ${address}, since today.`,
  (address) => `They are: bob@example.org, ${address} and 2 more.`,
  (address) => `the server says <${address}>: not verified`,
  (address) => `"${address}" is unknown`,
  (address) => `User '${address}' is unknown`,
  (address) => `• *${address}*`,
  (address) => `mailto:${address}`,
  (address) => `it is ${address}.`,
];

const anySpelling = fc
  .constantFrom(...existing)
  .chain((address) => fc.tuple(fc.constant(address), fc.constantFrom(...spellingsOf(address))));

describe('AddressFinder', () => {
  it('finds any spelling of an address by itself, in texts, lists and JSON', () => {
    fc.assert(
      fc.property(anySpelling, fc.constantFrom(...around), ([address, spelling], text) => {
        const finder = new AddressFinder(address);
        expect(finder.is(spelling)).toBe(true);
        expect(finder.without(spelling)).toBe(substitute);
        expect(finder.without([spelling, `sent#${spelling}`, 'bob@example.org'])).toEqual(['bob@example.org']);
        const said = text(spelling);
        expect(finder.without(said), said).toContain(substitute);
        const body = JSON.stringify({ type: 'watch.failing', data: { message: said, examples: [spelling] } });
        const { data } = JSON.parse(bodyOf(finder, body));
        expect(data).toEqual({ message: finder.without(said), examples: [] });
        expect(finder.without(finder.without(said))).toBe(finder.without(said));
      }),
    );
  });

  it('takes the events and counts of a mailbox out of a digest, and leaves those of its neighbours', () => {
    const finder = new AddressFinder('alice@example.com');
    const told = (mailbox: string) => ({ id: `evt_${mailbox}`, type: 'transfer.failed', data: { mailbox } });
    const digest = (...mailboxes: string[]) => ({
      told: mailboxes.map(told),
      counts: mailboxes.map((mailbox) => ({ type: 'transfer.failed', mailbox, count: 1 })),
    });
    const body = JSON.stringify(digest('Alice@Example.com', 'bob@example.com'));
    expect(JSON.parse(finder.without(body) as string)).toEqual(digest('bob@example.com'));
  });

  const bodyOf = (finder: AddressFinder, body: string): string =>
    (finder.without({ pending: [body] }) as { pending: string[] }).pending[0]!;

  it('finds no neighbour: an address that has it as a part, or that differs in a letter', () => {
    fc.assert(
      fc.property(
        anySpelling,
        fc.constantFrom(...around),
        fc.constantFrom('x', 'x.', 'x+', 'x/', 'x-', '_', "o'", 'ä', '#'),
        fc.constantFrom('.de', '.example', '-x.com', 'x', '。de'),
        ([address, spelling], text, before, after) => {
          const finder = new AddressFinder(address);
          for (const neighbour of [before + spelling, spelling + after, before + spelling + after]) {
            expect(finder.is(neighbour)).toBe(false);
            expect(finder.without(neighbour)).toBe(neighbour);
            const row = {
              pk: 'SHARDS',
              message: text(neighbour),
              list: [neighbour],
              body: JSON.stringify([neighbour]),
            };
            expect(finder.without(row), text(neighbour)).toBe(row);
          }
        },
      ),
    );
  });

  it('leaves a value without the address as it is, bytes included', () => {
    const finder = new AddressFinder('alice@example.com');
    const row = {
      rev: 1,
      bytes: new Uint8Array([64]),
      text: 'alice at example.com',
      json: '{"a":"\\u0040"}',
      none: null,
    };
    expect(finder.without(row)).toBe(row);
  });

  it('finds an address whose @ is escaped in JSON', () => {
    const finder = new AddressFinder('alice@example.com');
    expect(finder.without('{"mailbox":"alice\\u0040example.com"}')).toBe(`{"mailbox":"${substitute}"}`);
  });

  it('takes a time that is proportional to the length of a hostile text', () => {
    const finder = new AddressFinder('alice@example.com');
    const began = process.cpuUsage().user;
    for (const part of ['a', 'a.', '@', 'a@', '@a.', "'"]) finder.without(`${part.repeat(100_000)}a@b`);
    expect(process.cpuUsage().user - began).toBeLessThan(5_000_000);
  });
});
