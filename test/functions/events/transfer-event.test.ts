import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { factId } from '#functions/events/event-id.ts';
import { type Change, eventBody, eventTypeOf, transferEvent, watchEvent } from '#functions/events/transfer-event.ts';
import { knownStates, type Watch } from '#functions/transfers/transfer.ts';

const server = 'https://cryptshare.example.com';
const watch: Watch = { mailbox: 'alice@example.com', direction: 'sent' };
const observedAt = '2026-11-24T00:15:03.120Z';
const change: Change = {
  trackingId: '20240522-065711-H8UoUSI6',
  state: 'DELETED_BY_EXPIRATION',
  previousState: 'ACTIVE',
  sequence: 3,
};

// Few letters, so that neighbouring parts often could be taken for one another.
const text = fc.stringMatching(/^[a#"',1]{1,3}$/);
/** Any text that JSON can carry, lone surrogates included. */
const utf16 = fc.array(fc.nat(0xffff), { maxLength: 64 }).map((units) => String.fromCharCode(...units));
const fact = fc.record({
  server: text,
  direction: fc.constantFrom('sent' as const, 'received' as const),
  mailbox: text,
  trackingId: text,
  sequence: fc.integer({ min: 1, max: 20 }),
  state: text,
});
type Fact = typeof fact extends fc.Arbitrary<infer T> ? T : never;
const idOf = (
  { server, direction, mailbox, trackingId, sequence, state }: Fact,
  rest: Partial<Change> = {},
  at = observedAt,
) => transferEvent(server, { direction, mailbox }, { ...change, trackingId, sequence, state, ...rest }, at).id;

describe('the id of a transfer event', () => {
  it('is the same for the same fact, whenever and however often it is told', () => {
    fc.assert(
      fc.property(fact, (fact) => {
        expect(idOf(fact, { previousState: null }, '2030-01-01T00:00:00.000Z')).toBe(idOf(fact));
      }),
    );
  });

  it('is unique over server, direction, mailbox, tracking id, sequence and state', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fact, { comparator: (a, b) => JSON.stringify(a) === JSON.stringify(b) }), (facts) => {
        expect(new Set(facts.map((fact) => idOf(fact))).size).toBe(facts.length);
      }),
    );
  });

  test.each<Partial<Fact>>([
    { server: 'https://other.example.com' },
    { direction: 'received' },
    { mailbox: 'bob@example.com' },
    { trackingId: '20240522-065711-H8UoUSI7' },
    { sequence: 4 },
    { state: 'DELETED_BY_ADMIN' },
  ])('differs with %o alone', (other) => {
    const given: Fact = { server, ...watch, ...change };
    expect(idOf({ ...given, ...other })).not.toBe(idOf(given));
  });

  it('is evt_ and 25 letters and digits', () => {
    fc.assert(
      fc.property(fact, (fact) => {
        expect(idOf(fact)).toMatch(/^evt_[0-9a-z]{25}$/);
      }),
    );
  });
});

test('eventBody keeps its bytes, since receivers have the id and repetitions have to match', () => {
  expect(eventBody(transferEvent(server, watch, change, observedAt))).toBe(
    '{"id":"evt_58ofy5fvy9eyyk3b864sj7r1q","type":"transfer.deleted_by_expiration",' +
      '"timestamp":"2026-11-24T00:15:03.120Z","data":{"trackingId":"20240522-065711-H8UoUSI6",' +
      '"mailbox":"alice@example.com","direction":"sent","state":"DELETED_BY_EXPIRATION",' +
      '"previousState":"ACTIVE","sequence":3}}',
  );
});

test('eventBody holds the event in its bytes', () => {
  fc.assert(
    fc.property(fact, utf16, (fact, state) => {
      const event = transferEvent(fact.server, fact, { ...change, ...fact, state }, observedAt);
      expect(JSON.parse(eventBody(event))).toEqual(event);
    }),
  );
});

test('transferEvent keeps the state last seen of a transfer that is unlisted', () => {
  const event = transferEvent(server, watch, { ...change, state: 'ACTIVE', news: 'transfer.unlisted' }, observedAt);
  expect(event).toMatchObject({ type: 'transfer.unlisted', data: { state: 'ACTIVE', previousState: 'ACTIVE' } });
});

test('transferEvent keeps the state last announced of a transfer that is listed again', () => {
  const event = transferEvent(server, watch, { ...change, state: 'FAILED', news: 'transfer.listed_again' }, observedAt);
  expect(event).toMatchObject({ type: 'transfer.listed_again', data: { state: 'FAILED', previousState: 'ACTIVE' } });
});

test('transferEvent has the raw text of an undocumented state', () => {
  const event = transferEvent(server, watch, { ...change, state: 'On hold' }, observedAt);
  expect(event).toMatchObject({ type: 'transfer.state_changed', data: { state: 'On hold' } });
});

describe('watchEvent', () => {
  const data = { ...watch, cause: 'token_invalid', message: 'verify the mailbox again', failingSince: observedAt };
  const failing = watchEvent(server, 'watch.failing', data, '2026-11-24T00:17:03.120Z');

  it('has an id that depends on server, watch, type and the beginning of the failures alone', () => {
    const idWith = (rest: Partial<typeof data>, origin = server) =>
      watchEvent(origin, 'watch.failing', { ...data, ...rest }, 'x').id;
    expect(failing.id).toBe('evt_6ljodjdb5z1as101j5m2epk3n');
    expect(idWith({ cause: 'timeout', message: 'x' })).toBe(failing.id);
    const others = [
      idWith({ mailbox: 'bob@example.com' }),
      idWith({ direction: 'received' as 'sent' }),
      idWith({ failingSince: '2026-11-24T00:15:03.121Z' }),
      idWith({}, 'https://other.example.com'),
      watchEvent(server, 'watch.recovered', data, 'x').id,
    ];
    expect(new Set([failing.id, ...others]).size).toBe(6);
  });

  it('tells the cause and the beginning of the failures', () => {
    expect(failing).toMatchObject({ type: 'watch.failing', timestamp: '2026-11-24T00:17:03.120Z', data });
  });
});

test('factId has its prefix and distinguishes where one part of the fact ends', () => {
  expect(factId('ntc', 'a', 'b')).toMatch(/^ntc_[0-9a-z]{25}$/);
  expect(factId('ntc', 'a', 'b')).not.toBe(factId('ntc', 'ab'));
  expect(factId('ntc', 1)).not.toBe(factId('ntc', '1'));
});

describe('eventTypeOf', () => {
  test.each(knownStates)('gives %s a type of its own', (state) => {
    expect(eventTypeOf(state)).toBe(`transfer.${state.toLowerCase()}`);
  });

  test.each(['UNKNOWN', 'PENDING', 'Quarantined', '', 'constructor', '__proto__', 'UNLISTED', 'active'])(
    'gives "%s" the type transfer.state_changed',
    (state) => {
      expect(eventTypeOf(state)).toBe('transfer.state_changed');
    },
  );
});
