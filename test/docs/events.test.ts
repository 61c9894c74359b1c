import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CryptshareFailure, type FailureCause } from '#functions/cryptshare/failure.ts';
import failureCauses from '#functions/cryptshare/failures.json' with { type: 'json' };
import { Listing } from '#functions/cryptshare/listing.ts';
import { entryOf, eventTypes } from '#functions/events/catalogue.ts';
import endpointCauses from '#functions/events/endpoint-causes.json' with { type: 'json' };
import {
  type EndpointCause,
  type EndpointEventData,
  endpointEvent,
  testEvent,
} from '#functions/events/endpoint-event.ts';
import {
  eventBody,
  type IncidentEventData,
  type TransferEvent,
  type WatchProblem,
} from '#functions/events/transfer-event.ts';
import type { ToldEvent } from '#functions/notices/digest.ts';
import { type DiffContext, isListed, markSeen, markUnlisted, type TransferRow } from '#functions/snapshot/diff.ts';
import { canonicalState, knownStates, type Watch } from '#functions/transfers/transfer.ts';
import { problemOf, problemOfAws, problemOfFailure, problemOfListing } from '#functions/watches/watch-problem.ts';
import { messageFor } from '#test/functions/notices/digests.ts';
import { assertValidEvent, document, examples, schemas } from './event-schemas.ts';
import { endpointEventOf, incidentEventOf, made, watchEvents } from './made-events.ts';

/** Events of each kind that the searches make. */
const runs = Number(process.env.EVENTS ?? 300);

const exampleOf = (type: string) => examples.find((example) => example.type === type)!.event;

describe('docs/events.md', () => {
  const types = eventTypes.toSorted();

  it('lists each type of the catalogue in its table, and no other', () => {
    const rows = [...document.matchAll(/^\| \[`(?<type>.+?)`\]\(#(?<anchor>.+?)\) \|/gm)].map(({ groups }) => groups!);
    expect(rows.map(({ type }) => type).toSorted()).toEqual(types);
    expect(rows.map(({ anchor }) => anchor)).toEqual(rows.map(({ type }) => type!.replace('.', '')));
  });

  it('has a schema and an example for each type of the catalogue, and no other', () => {
    expect([...schemas.keys()].toSorted()).toEqual(types);
    expect(examples.map(({ type }) => type).toSorted()).toEqual(types);
  });

  it('has examples whose messages have a wording of their own and the severity of the catalogue', () => {
    const messages = examples.map(({ event }) => messageFor([event as unknown as ToldEvent]));
    expect(messages.map(({ severity }) => severity)).toEqual(examples.map(({ type }) => entryOf(type).severity));
    expect(new Set(messages.map(({ headline }) => headline)).size).toBe(types.length);
  });

  it('refuses each state with a type of its own in transfer.state_changed', () => {
    for (const state of knownStates) {
      const event = exampleOf('transfer.state_changed');
      expect(() => assertValidEvent({ ...event, data: { ...event.data, state } })).toThrow('event/data/state');
    }
  });

  it.each(examples)('has an example of $type that its schema alone accepts', ({ type, event }) => {
    expect(event.type).toBe(type);
    assertValidEvent(event);
    const takers = [...schemas].filter(([, validate]) => validate(event)).map(([taker]) => taker);
    expect(takers).toEqual([type]);
  });

  it.each(examples)('has the example of $type that the code makes of its facts, indented', ({ text, event }) => {
    const body = eventBody(made(event));
    expect(JSON.stringify(event)).toBe(body);
    expect(text).toBe(JSON.stringify(JSON.parse(body), null, 2));
  });

  it('shows the bytes of an event as they are sent', () => {
    expect(document).toContain(`\`\`\`text\n${eventBody(made(exampleOf('transfer.processing')))}\n\`\`\``);
  });
});

describe('docs/events.md schema', () => {
  const without = (object: object, key: string) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

  it.each(examples)('refuses $type without one of its fields', ({ event }) => {
    for (const key of ['id', 'timestamp', 'data']) {
      expect(() => assertValidEvent(without(event, key))).toThrow(
        `${event.type} is not as docs/events.md describes it`,
      );
    }
    for (const key of Object.keys(event.data)) {
      // The only optional field that an example shows.
      if (key === 'downloadedAt') continue;
      expect(() => assertValidEvent({ ...event, data: without(event.data, key) })).toThrow(key);
    }
  });

  it.each(examples)('refuses $type with an additional field', ({ event }) => {
    expect(() => assertValidEvent({ ...event, extra: 1 })).toThrow('event must NOT have additional properties');
    expect(() => assertValidEvent({ ...event, data: { ...event.data, subject: 'Offer' } })).toThrow(
      /event\/data must NOT have (?:additional|unevaluated) properties/,
    );
  });

  it.each(examples)('refuses $type with an invalid value', ({ event }) => {
    const wrong = [
      { id: 'evt_1' },
      { id: event.id.toUpperCase() },
      { timestamp: '2024-05-22' },
      { timestamp: '2024-05-22T08:58:04.120+02:00' },
      { timestamp: '2024-02-30T06:58:04.120Z' },
      { data: null },
      { data: { ...event.data, direction: 'both' } },
      { data: { ...event.data, mailbox: 'alice' } },
    ];
    for (const change of wrong) {
      expect(() => assertValidEvent({ ...event, ...change }), JSON.stringify(change)).toThrow(event.type);
    }
  });

  it.each([
    { type: 'transfer.active', change: { state: 'FAILED' }, fault: 'a state of another type' },
    { type: 'transfer.active', change: { state: 'Active' }, fault: 'a state in another spelling' },
    { type: 'transfer.active', change: { state: null }, fault: 'no state' },
    { type: 'transfer.active', change: { sequence: 0 }, fault: 'sequence 0' },
    { type: 'transfer.active', change: { sequence: 1.5 }, fault: 'half a sequence' },
    { type: 'transfer.active', change: { sequence: '1' }, fault: 'a sequence in quotes' },
    { type: 'transfer.active', change: { previousState: 1 }, fault: 'a number for a previous state' },
    { type: 'transfer.active', change: { trackingId: 'two words' }, fault: 'a space in the tracking id' },
    { type: 'transfer.active', change: { trackingId: '' }, fault: 'an empty tracking id' },
    { type: 'transfer.unlisted', change: { previousState: null }, fault: 'no previous state' },
    { type: 'transfer.listed_again', change: { previousState: null }, fault: 'no previous state' },
    { type: 'transfer.state_changed', change: { state: 'ACTIVE' }, fault: 'a state that has a type of its own' },
    { type: 'transfer.state_changed', change: { state: 'x'.repeat(65) }, fault: 'a state too long' },
    { type: 'watch.failing', change: { cause: 'bad_weather' }, fault: 'an unknown cause' },
    { type: 'watch.failing', change: { failingSince: null }, fault: 'no beginning' },
    { type: 'watch.many_failing', change: { cause: 'bad_weather' }, fault: 'an unknown cause' },
    { type: 'watch.many_failing', change: { watches: 1 }, fault: 'one watch' },
    { type: 'watch.many_failing', change: { examples: [] }, fault: 'no example' },
    { type: 'watch.many_recovered', change: { mailboxes: 0 }, fault: 'no mailbox' },
    { type: 'endpoint.failing', change: { cause: 'bad_weather' }, fault: 'an unknown cause' },
    { type: 'endpoint.failing', change: { endpoint: 'Sales CRM' }, fault: 'a name that no endpoint has' },
    { type: 'endpoint.failing', change: { disableAt: null }, fault: 'a deadline that is null' },
    { type: 'endpoint.disabled', change: { disableAt: '2024-06-01T09:12:41.618Z' }, fault: 'a deadline' },
    { type: 'endpoint.recovered', change: { disableAt: '2024-06-01T09:12:41.618Z' }, fault: 'a deadline' },
    { type: 'notifier.test', change: { message: 1 }, fault: 'a number for a message' },
  ])('refuses $type with $fault', ({ type, change }) => {
    const event = exampleOf(type);
    expect(() => assertValidEvent({ ...event, data: { ...event.data, ...change } })).toThrow(
      `${type} is not as docs/events.md describes it: event/data/${Object.keys(change)[0]}`,
    );
  });

  it.each([
    { event: { ...exampleOf('transfer.active'), type: 'transfer.printed' }, type: '"transfer.printed"' },
    { event: { ...exampleOf('transfer.active'), type: ['transfer.active'] }, type: '["transfer.active"]' },
    { event: null, type: 'undefined' },
    { event: 'transfer.active', type: 'undefined' },
  ])('refuses an event of type $type', ({ event, type }) => {
    expect(() => assertValidEvent(event)).toThrow(`docs/events.md describes no event of type ${type}`);
  });
});

describe('docs/events.md schema, for any facts', () => {
  const origin = fc.webUrl({ validSchemes: ['https'] });
  const watch: fc.Arbitrary<Watch> = fc.record({
    mailbox: fc.emailAddress(),
    direction: fc.constantFrom('sent', 'received'),
  });
  const time = fc
    .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString());

  it('accepts every event about a transfer', () => {
    const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary', minLength: 50, maxLength: 100 }));
    const state = fc.oneof(
      fc.constantFrom('PROCESSING', 'ACTIVE', 'FAILED', 'Deleted_by_expiration', 'deleted by revocation'),
      fc.constantFrom('DELETED_BY_ADMIN', 'Deleted-By-Security', 'UNKNOWN', 'Pending', 'Quarantined'),
      anyText.filter((text) => text !== ''),
    );
    const pass = fc.record({ state: fc.option(state, { freq: 3 }), at: time });
    const trackingId = fc.stringMatching(/^[!-~]{1,200}$/);
    const property = fc.property(
      origin,
      watch,
      trackingId,
      fc.boolean(),
      fc.array(pass, { minLength: 1, maxLength: 8 }),
      (cryptshare, whose, transfer, hasBaseline, passes) => {
        let row: TransferRow | undefined;
        for (const [rev, { state: raw, at: observedAt }] of passes.entries()) {
          const silent = hasBaseline && rev === 0;
          const source = 'status';
          const context: DiffContext = { server: cryptshare, watch: whose, rev, observedAt, silent, source };
          if (raw !== null) row = markSeen(row, transfer, canonicalState(raw), context)?.after ?? row;
          else if (row && isListed(row)) row = markUnlisted(row, context).after;
        }
        const events = (row?.pending ?? []).map((body): TransferEvent => JSON.parse(body));
        for (const event of events) assertValidEvent(event);
        expect(events.map(({ data }) => data.sequence)).toEqual(events.map((_, index) => index + 1));
      },
    );
    fc.assert(property, { numRuns: runs });
  });

  it('accepts every event about a watch', () => {
    const malformed = new Listing();
    malformed.addPage('[{}]');
    const problem: fc.Arbitrary<WatchProblem> = fc.oneof(
      fc
        .tuple(
          fc.constantFrom(...(Object.keys(failureCauses) as FailureCause[])),
          fc.option(fc.string(), { nil: undefined }),
        )
        .map(([kind, detail]) => problemOfFailure(new CryptshareFailure(kind, detail))),
      fc.constant(problemOfListing({ scope: 'all', listing: malformed, requests: 1, failure: undefined })!),
      fc.tuple(fc.nat(), fc.nat()).map(([missing, count]) => problemOf('absences_held', { missing, count })),
      fc.string().map((message) => problemOfAws(new Error(message))),
      fc.constant(problemOf('out_of_time')),
    );
    const problems = fc.array(problem, { minLength: 3, maxLength: 6 });
    const start = fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true });
    const property = fc.property(origin, watch, problems, start, time, (cryptshare, whose, messages, from, at) => {
      // An hour apart, as a sudden absence is reported once it has lasted.
      const hourly = (hour: number) => new Date(from.getTime() + hour * 3_600_000).toISOString();
      const failing = messages.map((each, hour) => ({ problem: each, at: hourly(hour) }));
      const events = watchEvents(cryptshare, whose, [...failing, { problem: undefined, at }]);
      expect(events.map(({ type }) => type)).toEqual(['watch.failing', 'watch.recovered']);
      for (const event of events) assertValidEvent(JSON.parse(eventBody(event)));
    });
    fc.assert(property, { numRuns: runs });
  });

  it('accepts every event about many watches', () => {
    const data: fc.Arbitrary<IncidentEventData> = fc
      .record({
        cause: fc.constantFrom(...Object.keys(failureCauses)),
        message: fc.string(),
        // Its events come up to some hours later.
        failingSince: time.filter((at) => at < '9999-12-31'),
        more: fc.nat(5),
      })
      .chain(({ more, ...facts }) =>
        fc.uniqueArray(fc.emailAddress(), { minLength: 1, maxLength: 3 }).map((mailboxes) => ({
          ...facts,
          watches: 2 * mailboxes.length + more,
          mailboxes: mailboxes.length,
          examples: mailboxes.toSorted(),
        })),
      );
    const property = fc.property(data, time, (facts, at) => {
      for (const type of ['watch.many_failing', 'watch.many_recovered'] as const) {
        const event = incidentEventOf({ id: '', type, timestamp: at, data: facts });
        expect(event.data).toEqual(facts);
        assertValidEvent(event);
      }
    });
    fc.assert(property);
  });

  const endpoint = fc.stringMatching(/^[a-z0-9-]{1,64}$/);

  it('accepts every event about an endpoint', () => {
    const data: fc.Arbitrary<EndpointEventData> = fc.record({
      endpoint,
      cause: fc.constantFrom(...(Object.keys(endpointCauses) as EndpointCause[])),
      message: fc.string(),
      failingSince: time,
    });
    const property = fc.property(data, time, time, (facts, disableAt, at) => {
      for (const type of ['endpoint.failing', 'endpoint.disabled', 'endpoint.recovered'] as const) {
        assertValidEvent(JSON.parse(eventBody(endpointEvent(type, facts, at))));
        assertValidEvent(endpointEventOf({ type, timestamp: at, data: facts }));
      }
      const warning = JSON.parse(eventBody(endpointEvent('endpoint.failing', { ...facts, disableAt }, at)));
      expect(warning.data.disableAt).toBe(disableAt);
      assertValidEvent(warning);
    });
    fc.assert(property);
  });

  it('accepts every test event', () => {
    fc.assert(fc.property(endpoint, time, (name, at) => assertValidEvent(JSON.parse(eventBody(testEvent(name, at))))));
  });
});
