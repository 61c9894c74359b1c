import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type EndpointEventData, endpointEvent, testEvent } from '#functions/events/endpoint-event.ts';
import { factId } from '#functions/events/event-id.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { assertValidEvent } from '#test/docs/event-schemas.ts';

const data: EndpointEventData = {
  endpoint: 'crm',
  cause: 'timeout',
  message: 'it does not answer within 15 s',
  failingSince: '2026-11-24T13:00:00.000Z',
};
const at = '2026-11-24T14:05:59.120Z';
const warned: EndpointEventData = { ...data, disableAt: '2026-11-29T13:00:00.000Z' };

describe('the id of an event about an endpoint', () => {
  it('is derived from the endpoint, the type, the beginning of the problem and the deadline', () => {
    expect(endpointEvent('endpoint.failing', data, at).id).toBe(
      factId('evt', 'endpoint', 'crm', 'endpoint.failing', data.failingSince, ''),
    );
    expect(endpointEvent('endpoint.failing', warned, at).id).toBe(
      factId('evt', 'endpoint', 'crm', 'endpoint.failing', data.failingSince, '2026-11-29T13:00:00.000Z'),
    );
  });

  it('stays the same however the problem is seen', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('http_error' as const, 'unreachable' as const), (message, cause) => {
        const other = endpointEvent('endpoint.failing', { ...data, message, cause }, '2026-11-24T15:00:00.000Z');
        expect(other.id).toBe(endpointEvent('endpoint.failing', data, at).id);
      }),
    );
  });

  it('differs for another fact', () => {
    const events = [
      endpointEvent('endpoint.failing', data, at),
      endpointEvent('endpoint.failing', warned, at),
      endpointEvent('endpoint.failing', { ...warned, disableAt: '2026-11-30T13:00:00.000Z' }, at),
      endpointEvent('endpoint.failing', { ...data, endpoint: 'erp' }, at),
      endpointEvent('endpoint.failing', { ...data, failingSince: at }, at),
      endpointEvent('endpoint.disabled', data, at),
      endpointEvent('endpoint.recovered', data, at),
    ];
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });
});

test.each([
  endpointEvent('endpoint.failing', data, at),
  endpointEvent('endpoint.failing', warned, at),
  endpointEvent('endpoint.disabled', data, at),
  endpointEvent('endpoint.recovered', data, at),
  testEvent('crm', at),
])('an event $type is as docs/events.md describes it', (event) => {
  assertValidEvent(JSON.parse(eventBody(event)));
  expect(event.timestamp).toBe(at);
});

test('testEvent has an id of its own, derived from endpoint and time', () => {
  expect(testEvent('crm', at).id).toBe(factId('evt', 'notifier.test', 'crm', at));
  expect(testEvent('crm', at).id).not.toBe(testEvent('erp', at).id);
  expect(testEvent('crm', at).id).not.toBe(testEvent('crm', '2026-11-24T14:06:00.000Z').id);
});
