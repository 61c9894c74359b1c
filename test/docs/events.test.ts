import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { CryptshareFailure, type FailureCause } from '#functions/cryptshare/failure.ts';
import { Listing } from '#functions/cryptshare/listing.ts';
import {
  type EndpointCause,
  type EndpointEventData,
  endpointEvent,
  testEvent,
} from '#functions/events/endpoint-event.ts';
import {
  eventBody,
  type IncidentEventData,
  parseEventBody,
  type TransferEvent,
  type WatchProblem,
} from '#functions/events/transfer-event.ts';
import { type DiffContext, isListed, markSeen, markUnlisted, type TransferRow } from '#functions/snapshot/diff.ts';
import { canonicalState, type Watch } from '#functions/transfers/transfer.ts';
import {
  problemOfAbsences,
  problemOfAws,
  problemOfFailure,
  problemOfListing,
  problemOfTime,
} from '#functions/watches/watch-problem.ts';
import { type AnyEvent, assertValidEvent, document, examples, schemas } from './event-schemas.ts';
import { endpointEventOf, incidentEventOf, made, watchEvents } from './made-events.ts';

/** The compiler refuses this list when it lacks a type that the code can publish, or has one that it cannot. */
const publishable: Record<AnyEvent['type'], true> = {
  'transfer.processing': true,
  'transfer.active': true,
  'transfer.failed': true,
  'transfer.deleted_by_expiration': true,
  'transfer.deleted_by_revocation': true,
  'transfer.deleted_by_admin': true,
  'transfer.deleted_by_security': true,
  'transfer.unlisted': true,
  'transfer.listed_again': true,
  'transfer.state_changed': true,
  'watch.failing': true,
  'watch.recovered': true,
  'watch.many_failing': true,
  'watch.many_recovered': true,
  'watch.verification_expiring': true,
  'endpoint.failing': true,
  'endpoint.disabled': true,
  'endpoint.recovered': true,
  'notifier.test': true,
};

/** The same for the causes of failing polls. */
const failures: Record<FailureCause, true> = {
  token_invalid: true,
  client_id_rejected: true,
  not_licensed: true,
  forbidden: true,
  version_unsupported: true,
  major_version_gone: true,
  not_verified: true,
  verification_ended: true,
  verification_refused: true,
  code_rejected: true,
  endpoint_missing: true,
  throttled: true,
  server_fault: true,
  request_rejected: true,
  redirected: true,
  malformed_answer: true,
  answer_too_large: true,
  listing_too_large: true,
  timeout: true,
  out_of_time: true,
  certificate_untrusted: true,
  unreachable: true,
  proxy_failed: true,
};

/** The same for the causes of failing endpoints. */
const endpointCauses: Record<EndpointCause, true> = {
  http_error: true,
  timeout: true,
  unreachable: true,
  proxy_failed: true,
  untrusted_certificate: true,
  forbidden_target: true,
  throttled: true,
  gone: true,
  channel_gone: true,
};

const exampleOf = (type: string) => examples.find((example) => example.type === type)!.event;

describe('docs/events.md', () => {
  const types = Object.keys(publishable).toSorted();

  it('has one schema for every type that the code can publish, and for nothing else', () => {
    expect([...schemas.keys()].toSorted()).toEqual(types);
  });

  it('has one example for every type that the code can publish, and for nothing else', () => {
    expect(examples.map(({ type }) => type).toSorted()).toEqual(types);
  });

  test.each(examples)('the example of $type stands in its own section and validates', ({ type, event }) => {
    expect(event.type).toBe(type);
    assertValidEvent(event);
  });

  test.each(examples)('the example of $type is what the code makes of its facts, laid out', ({ text, event }) => {
    const body = eventBody(made(event));
    expect(JSON.stringify(event)).toBe(body);
    expect(text).toBe(JSON.stringify(JSON.parse(body), null, 2));
  });

  it('shows the bytes of an event as they are sent', () => {
    expect(document).toContain(`\`\`\`text\n${eventBody(made(exampleOf('transfer.processing')))}\n\`\`\``);
  });

  test.each(examples)('no other schema takes the example of $type', ({ type, event }) => {
    const takers = [...schemas].filter(([, validate]) => validate(event)).map(([taker]) => taker);
    expect(takers).toEqual([type]);
  });
});

describe('the schemas', () => {
  const without = (object: object, key: string) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

  test.each(examples)('refuse a $type that lacks a field', ({ event }) => {
    for (const key of ['id', 'timestamp', 'data']) {
      expect(() => assertValidEvent(without(event, key))).toThrow(
        `${event.type} is not as docs/events.md describes it`,
      );
    }
    for (const key of Object.keys(event.data)) {
      expect(() => assertValidEvent({ ...event, data: without(event.data, key) })).toThrow(key);
    }
  });

  test.each(examples)('refuse a $type with a field too many', ({ event }) => {
    expect(() => assertValidEvent({ ...event, extra: 1 })).toThrow('event must NOT have additional properties');
    expect(() => assertValidEvent({ ...event, data: { ...event.data, subject: 'Offer' } })).toThrow(
      'event/data must NOT have additional properties',
    );
  });

  test.each(examples)('refuse a $type with a value out of order', ({ event }) => {
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

  test.each([
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
    { type: 'endpoint.failing', change: { disableAt: null }, fault: 'a deadline that is none' },
    { type: 'endpoint.disabled', change: { disableAt: '2024-06-01T09:12:41.618Z' }, fault: 'a deadline' },
    { type: 'endpoint.recovered', change: { disableAt: '2024-06-01T09:12:41.618Z' }, fault: 'a deadline' },
    { type: 'notifier.test', change: { message: 1 }, fault: 'a number for a message' },
  ])('refuse a $type with $fault', ({ type, change }) => {
    const event = exampleOf(type);
    expect(() => assertValidEvent({ ...event, data: { ...event.data, ...change } })).toThrow(
      `${type} is not as docs/events.md describes it: event/data/${Object.keys(change)[0]}`,
    );
  });

  test.each([
    { event: { ...exampleOf('transfer.active'), type: 'transfer.downloaded' }, type: '"transfer.downloaded"' },
    { event: { ...exampleOf('transfer.active'), type: ['transfer.active'] }, type: '["transfer.active"]' },
    { event: null, type: 'undefined' },
    { event: 'transfer.active', type: 'undefined' },
  ])('refuse an event of type $type', ({ event, type }) => {
    expect(() => assertValidEvent(event)).toThrow(`docs/events.md describes no event of type ${type}`);
  });
});

describe('whatever the facts, the documented schemas take', () => {
  const origin = fc.webUrl({ validSchemes: ['https'] });
  const watch: fc.Arbitrary<Watch> = fc.record({
    mailbox: fc.emailAddress(),
    direction: fc.constantFrom('sent', 'received'),
  });
  const time = fc
    .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString());

  it('every event about a transfer', () => {
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
        const events = (row?.pending ?? []).map(parseEventBody) as TransferEvent[];
        for (const event of events) assertValidEvent(event);
        expect(events.map(({ data }) => data.sequence)).toEqual(events.map((_, index) => index + 1));
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  it('every event about a watch', () => {
    const malformed = new Listing();
    malformed.addPage('[{}]');
    const problem: fc.Arbitrary<WatchProblem> = fc.oneof(
      fc
        .tuple(
          fc.constantFrom(...(Object.keys(failures) as FailureCause[])),
          fc.option(fc.string(), { nil: undefined }),
        )
        .map(([kind, detail]) => problemOfFailure(new CryptshareFailure(kind, detail))),
      fc.constant(problemOfListing({ scope: 'all', listing: malformed, requests: 1, failure: undefined })!),
      fc.tuple(fc.nat(), fc.nat()).map(([missing, count]) => problemOfAbsences(missing, count)),
      fc.string().map((message) => problemOfAws(new Error(message))),
      fc.constant(problemOfTime),
    );
    const problems = fc.array(problem, { minLength: 3, maxLength: 6 });
    const start = fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true });
    const property = fc.property(origin, watch, problems, start, time, (cryptshare, whose, messages, from, at) => {
      // An hour apart, for a sudden absence is told when it has lasted.
      const hourly = (hour: number) => new Date(from.getTime() + hour * 3_600_000).toISOString();
      const failing = messages.map((each, hour) => ({ problem: each, at: hourly(hour) }));
      const events = watchEvents(cryptshare, whose, [...failing, { problem: undefined, at }]);
      expect(events.map(({ type }) => type)).toEqual(['watch.failing', 'watch.recovered']);
      for (const event of events) assertValidEvent(parseEventBody(eventBody(event)));
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it('every event about many watches', () => {
    const data: fc.Arbitrary<IncidentEventData> = fc
      .record({
        cause: fc.constantFrom(...Object.keys(failures)),
        message: fc.string(),
        // What is told of it comes up to some hours later.
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
    const property = fc.property(data, time, (facts, index) => {
      for (const type of ['watch.many_failing', 'watch.many_recovered'] as const) {
        const event = incidentEventOf({ id: '', type, timestamp: index, data: facts });
        expect(event.data).toEqual(facts);
        assertValidEvent(event);
      }
    });
    fc.assert(property);
  });

  const endpoint = fc.stringMatching(/^[a-z0-9-]{1,64}$/);

  it('every event about an endpoint', () => {
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
      assertValidEvent(JSON.parse(eventBody(endpointEvent('endpoint.failing', { ...facts, disableAt }, at))));
    });
    fc.assert(property);
  });

  it('the warning that an endpoint will be disabled', () => {
    const warning = endpointEventOf({
      type: 'endpoint.failing',
      timestamp: '2024-05-31T09:14:20.377Z',
      data: {
        endpoint: 'crm',
        cause: 'timeout',
        message: '',
        failingSince: '2024-05-27T09:12:41.618Z',
        disableAt: '2024-06-01T09:14:20.377Z',
      },
    });
    expect(warning.data.disableAt).toBe('2024-06-01T09:14:20.377Z');
    assertValidEvent(warning);
  });

  it('every test', () => {
    fc.assert(
      fc.property(endpoint, time, (name, index) => assertValidEvent(JSON.parse(eventBody(testEvent(name, index))))),
    );
  });
});
