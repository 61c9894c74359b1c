import { describe, expect, test } from 'vitest';
import { type Evidence, type Verdict, verdictOf, verdicts } from '#functions/explain/verdict.ts';
import type { Delivery } from '#functions/webhooks/deliveries/delivery.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { newLease } from '#functions/webhooks/endpoints/lease.ts';

const now = Date.parse('2026-11-24T12:00:00.000Z');
const createdAt = '2026-11-01T00:00:00.000Z';
const row = 'EVENT#evt_aaaaaaaaaaaa EVENT#evt_aaaaaaaaaaaa1';
const event = {
  ...{ id: 'evt_aaaaaaaaaaaa1', type: 'transfer.failed', at: '2026-11-24T11:00:00.000Z', row },
  ...{ mailbox: 'alice@example.com', direction: 'sent' as const, state: 'FAILED' },
};
const crm: Endpoint = {
  ...{ name: 'crm', types: ['transfer.*'], status: 'active', createdAt, format: 'event', retryDelaysMs: [1000] },
  ...{ maxInFlight: 10, origin: 'https://crm.example.com', encrypted: '', rev: 0 },
};
const team: Endpoint = { ...crm, format: 'email' };
const pending: Delivery = {
  ...{ event: event.id, endpoint: 'crm', endpointSince: createdAt, eventAt: event.at, body: '{}' },
  ...{ rev: 3, status: 'PENDING', attempt: 0, nextAttemptAt: now - 5000 },
};
const ended = (status: Delivery['status'], reason?: Delivery['reason']): Delivery => ({ ...pending, status, reason });
const retry: Delivery = { ...pending, attempt: 2, due: 'DUE#crm', nextAttemptAt: now + 60_000 };
const collected: Delivery = { ...pending, status: 'COLLECTED', digest: 'dig_1' };
const digest: Delivery = { ...pending, event: 'dig_1', status: 'DELIVERED', attempt: 1 };
const inFlight = (of: number, until: number) => ({
  ...newLease,
  inFlight: { [event.id]: { attempt: 1, of, until } },
});

const evidence = (changed: Partial<Evidence>): Evidence => ({
  ...{ event, name: 'crm', endpoint: crm, delivery: pending, digest: undefined, lease: newLease },
  ...{ isFannedOut: true, isWhole: true, now },
  ...changed,
});

const ofDelivery = { row: 'EVENT#evt_aaaaaaaaaaaa DELIVERY#evt_aaaaaaaaaaaa1#crm' };
const ofDigest = { row: 'EVENT#dig_1 DELIVERY#dig_1#crm' };
const registry = { row: 'ENDPOINTS crm' };
const setting = (name: string, value: string | readonly string[]) => ({ setting: name, value });

const cases: readonly [what: string, Partial<Evidence>, ReturnType<typeof verdictOf>][] = [
  ['a delivery that was taken', { delivery: ended('DELIVERED') }, { verdict: 'delivered', proof: ofDelivery }],
  [
    'a schedule that is over',
    { delivery: ended('FAILED', 'throttled') },
    { verdict: 'failed', reason: 'throttled', proof: ofDelivery },
  ],
  [
    'a final refusal',
    { delivery: ended('FAILED', 'rejected') },
    { verdict: 'rejected', reason: 'rejected', proof: ofDelivery },
  ],
  [
    'an operator’s end',
    { delivery: ended('CANCELLED', 'operator') },
    { verdict: 'cancelled', reason: 'operator', proof: ofDelivery },
  ],
  [
    'the end with its subscriber',
    { delivery: ended('CANCELLED', 'endpoint_removed') },
    { verdict: 'endpoint_removed', reason: 'endpoint_removed', proof: ofDelivery },
  ],
  [
    'a delivery held in a pause, though it is over',
    { delivery: ended('HELD', 'paused') },
    { verdict: 'held_paused', reason: 'paused', proof: ofDelivery },
  ],
  [
    'a delivery held while disabled',
    { delivery: ended('HELD', 'disabled') },
    { verdict: 'held_disabled', reason: 'disabled', proof: ofDelivery },
  ],
  [
    'a delivery held because the receiver was gone',
    { delivery: ended('HELD', 'gone') },
    { verdict: 'held_disabled', reason: 'gone', proof: ofDelivery },
  ],
  [
    'a delivery held for a subscriber that was removed',
    { delivery: ended('HELD', 'paused'), endpoint: undefined },
    { verdict: 'endpoint_removed', reason: 'paused', proof: registry },
  ],
  [
    'an untried delivery',
    {},
    { verdict: 'waits_for_first_attempt', nextAttemptAt: '2026-11-24T12:00:00.000Z', proof: ofDelivery },
  ],
  [
    'an untried delivery that was replayed for later',
    { delivery: { ...retry, attempt: 0 } },
    { verdict: 'waits_for_first_attempt', nextAttemptAt: '2026-11-24T12:01:00.000Z', proof: ofDelivery },
  ],
  [
    'a retry to come',
    { delivery: retry },
    { verdict: 'waits_for_retry', attempts: 2, nextAttemptAt: '2026-11-24T12:01:00.000Z', proof: ofDelivery },
  ],
  [
    'a retry before the circuit breaker closes',
    { delivery: retry, lease: { ...newLease, openUntil: now + 90_000 } },
    {
      ...{ verdict: 'waits_for_retry', attempts: 2, reason: 'circuit_breaker', proof: ofDelivery },
      nextAttemptAt: '2026-11-24T12:01:30.000Z',
    },
  ],
  [
    'a retry after the circuit breaker closes',
    { delivery: retry, lease: { ...newLease, openUntil: now + 30_000 } },
    { verdict: 'waits_for_retry', attempts: 2, nextAttemptAt: '2026-11-24T12:01:00.000Z', proof: ofDelivery },
  ],
  ['an attempt in flight', { lease: inFlight(3, now + 1) }, { verdict: 'in_flight', proof: ofDelivery }],
  [
    'an attempt in flight to a paused subscriber',
    { lease: inFlight(3, now + 1), endpoint: { ...crm, status: 'paused' } },
    { verdict: 'in_flight', proof: ofDelivery },
  ],
  [
    'an attempt of a process that died',
    { lease: inFlight(3, now) },
    { verdict: 'waits_for_first_attempt', nextAttemptAt: '2026-11-24T12:00:00.000Z', proof: ofDelivery },
  ],
  [
    'an attempt that was recorded since',
    { lease: inFlight(2, now + 1), delivery: retry },
    { verdict: 'waits_for_retry', attempts: 2, nextAttemptAt: '2026-11-24T12:01:00.000Z', proof: ofDelivery },
  ],
  [
    'a delivery to a paused subscriber',
    { endpoint: { ...crm, status: 'paused' } },
    { verdict: 'held_paused', reason: 'paused', proof: setting('status', 'paused') },
  ],
  [
    'a delivery to a disabled subscriber',
    { endpoint: { ...crm, status: 'disabled' } },
    { verdict: 'held_disabled', reason: 'disabled', proof: setting('status', 'disabled') },
  ],
  ['a delivery to a removed subscriber', { endpoint: undefined }, { verdict: 'endpoint_removed', proof: registry }],
  [
    'a delivery to an earlier subscriber of the same name',
    { delivery: { ...pending, endpointSince: '2026-10-01T00:00:00.000Z' } },
    { verdict: 'endpoint_removed', proof: setting('createdAt', createdAt) },
  ],
  [
    'an event for a reader',
    { endpoint: team, delivery: { ...retry, attempt: 0 } },
    { verdict: 'waits_for_digest', nextAttemptAt: '2026-11-24T12:01:00.000Z', proof: ofDelivery },
  ],
  [
    'an event for a paused reader',
    { endpoint: { ...team, status: 'paused' }, delivery: { ...retry, attempt: 0 } },
    { verdict: 'held_paused', reason: 'paused', proof: setting('status', 'paused') },
  ],
  [
    'an event in a delivered digest',
    { endpoint: team, delivery: collected, digest },
    { verdict: 'in_digest', digest: 'dig_1', attempts: 1, proof: ofDigest },
  ],
  [
    'an event in a digest that waits for a retry',
    { endpoint: team, delivery: collected, digest: { ...retry, event: 'dig_1' } },
    {
      ...{ verdict: 'waits_for_retry', digest: 'dig_1', attempts: 2, proof: ofDigest },
      nextAttemptAt: '2026-11-24T12:01:00.000Z',
    },
  ],
  [
    'an event in a digest that failed',
    { endpoint: team, delivery: collected, digest: { ...digest, status: 'FAILED', reason: 'unreachable' } },
    { verdict: 'failed', reason: 'unreachable', digest: 'dig_1', attempts: 1, proof: ofDigest },
  ],
  [
    'an event in a digest whose row was not read',
    { endpoint: team, delivery: collected },
    { verdict: 'unknown', reason: 'digest_unread', digest: 'dig_1', proof: ofDelivery },
  ],
  [
    'an unwanted type',
    { delivery: undefined, endpoint: { ...crm, types: ['watch.*'], mailboxes: ['bob@example.com'] } },
    { verdict: 'not_wanted_type', proof: setting('types', ['watch.*']) },
  ],
  [
    'an unwanted mailbox',
    { delivery: undefined, endpoint: { ...crm, mailboxes: ['bob@example.com'], directions: ['received'] } },
    { verdict: 'not_wanted_mailbox', proof: setting('mailboxes', ['bob@example.com']) },
  ],
  [
    'an unwanted direction',
    { delivery: undefined, endpoint: { ...crm, mailboxes: ['Alice@Example.com'], directions: ['received'] } },
    { verdict: 'not_wanted_direction', proof: setting('directions', ['received']) },
  ],
  [
    'an unwanted type before fan-out',
    { delivery: undefined, isFannedOut: false, endpoint: { ...crm, types: ['watch.*'] } },
    { verdict: 'not_wanted_type', proof: setting('types', ['watch.*']) },
  ],
  [
    'an event before fan-out',
    { delivery: undefined, isFannedOut: false },
    { verdict: 'not_fanned_out_yet', proof: { row } },
  ],
  [
    'an event before fan-out, and before its subscriber, which gets it',
    { delivery: undefined, isFannedOut: false, endpoint: { ...crm, createdAt: '2026-11-24T11:30:00.000Z' } },
    { verdict: 'not_fanned_out_yet', proof: { row } },
  ],
  [
    'an event from before its subscriber',
    { delivery: undefined, endpoint: { ...crm, createdAt: '2026-11-24T11:00:00.001Z' } },
    { verdict: 'before_endpoint', proof: setting('createdAt', '2026-11-24T11:00:00.001Z') },
  ],
  [
    'an event of the instant at which its subscriber was added, which may have got it',
    { delivery: undefined, endpoint: { ...crm, createdAt: event.at } },
    { verdict: 'unknown', reason: 'wanted_now', proof: { row } },
  ],
  [
    'an event that the subscriber wants now, and has not got',
    { delivery: undefined },
    { verdict: 'unknown', reason: 'wanted_now', proof: { row } },
  ],
  [
    'an event that came after its subscriber was removed',
    { delivery: undefined, endpoint: undefined },
    { verdict: 'endpoint_removed', proof: registry },
  ],
  [
    'a delivery that may not have been read',
    { delivery: undefined, isWhole: false, endpoint: { ...crm, types: ['watch.*'] } },
    { verdict: 'unknown', reason: 'too_many_rows', proof: { row } },
  ],
];

describe('verdictOf', () => {
  test.each(cases)('tells of %s what came of it, and its proof', (_, changed, expected) => {
    const told = verdictOf(evidence(changed));
    // A delivery without a reason or a first attempt has none to tell.
    const known = Object.entries(told).filter(([, value]) => value !== undefined && value !== 0);
    expect(Object.fromEntries(known)).toEqual(expected);
  });

  test('has a case above for each verdict of the list', () => {
    const told = new Set<Verdict>(cases.map(([, , { verdict }]) => verdict));
    expect([...told].toSorted()).toEqual([...verdicts].toSorted());
  });

  test('shows the first ten entries of a long filter', () => {
    const mailboxes = Array.from({ length: 1000 }, (_, index) => `user-${index}@example.com`);
    const { proof } = verdictOf(evidence({ delivery: undefined, endpoint: { ...crm, mailboxes } }));
    expect(proof).toEqual(setting('mailboxes', mailboxes.slice(0, 10)));
  });
});
