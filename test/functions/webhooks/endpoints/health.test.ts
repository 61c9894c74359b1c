import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { EndpointCause, EndpointEvent } from '#functions/events/endpoint-event.ts';
import { type CircuitBreaker, newBreaker, observe } from '#functions/webhooks/endpoints/circuit-breaker.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { disabling, type EndpointHealthChange, nextEndpointHealth } from '#functions/webhooks/endpoints/health.ts';
import { assertValidEvent } from '#test/docs/event-schemas.ts';

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
const start = Date.parse('2026-11-24T12:00:00Z');
const iso = (time: number): string => new Date(time).toISOString();

const crm: Endpoint = {
  name: 'crm',
  status: 'active',
  createdAt: '2026-11-01T00:00:00.000Z',
  types: ['transfer.*'],
  format: 'event',
  retryDelaysMs: [],
  maxInFlight: 4,
  origin: 'https://crm.example.com',
  encrypted: '',
  rev: 1,
};

/** One attempt, at an instant; without a cause it succeeds. */
interface Try {
  readonly at: number;
  readonly cause?: EndpointCause | undefined;
  /** Its drain could not write down what it meant for the endpoint's health. */
  readonly isUnwritten?: boolean;
}

/** An endpoint that is tried again and again. */
class Tried {
  breaker: CircuitBreaker = newBreaker;
  endpoint: Endpoint = crm;
  readonly events: EndpointEvent[] = [];

  /** Tries once, and tells what it led to. */
  try({ at, cause, isUnwritten }: Try): EndpointHealthChange | undefined {
    const answer = { isSuccess: cause === undefined, slowDown: false, retryAfterMs: undefined };
    this.breaker = observe(this.breaker, { startedAt: at, endedAt: at + 500, ...answer });
    const change = nextEndpointHealth(this.endpoint, this.breaker, cause, at + second);
    if (!change || isUnwritten) return undefined;
    const { health: _, ...rest } = this.endpoint;
    const { health, disabledBecause } = change;
    this.endpoint = { ...rest, ...(health && { health }), ...(disabledBecause && { status: 'disabled' }) };
    const event: EndpointEvent = JSON.parse(change.body);
    assertValidEvent(event);
    this.events.push(event);
    return change;
  }

  /** Fails a number of times, first at an instant, and then after a step in milliseconds each. */
  fail(times: number, from: number, step: number, cause: EndpointCause = 'timeout'): this {
    for (let count = 0; count < times; count += 1) this.try({ at: from + count * step, cause });
    return this;
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

/** An endpoint with a warning after ten failures, the first of them four days ago. */
function warnedOne(): { tried: Tried; at: number } {
  const tried = new Tried().fail(9, start, hour);
  const at = start + 4 * day;
  tried.try({ at, cause: 'timeout' });
  expect(tried.endpoint.health?.warnedAt).toBe(at + second);
  return { tried, at };
}

describe('endpoint.failing', () => {
  it('comes at the fourth failure in a row, not before', () => {
    const tried = new Tried().fail(3, start, hour);
    expect(tried.events).toEqual([]);
    tried.try({ at: start + 3 * hour, cause: 'timeout' });
    expect(tried.events).toMatchObject([
      {
        type: 'endpoint.failing',
        timestamp: iso(start + 3 * hour + second),
        data: { endpoint: 'crm', cause: 'timeout', failingSince: iso(start) },
      },
    ]);
    expect(tried.events[0]!.data).not.toHaveProperty('disableAt');
    expect(tried.endpoint.health).toEqual({ failingSince: iso(start), cause: 'timeout' });
  });

  it('comes once before the warning, however long the failures last and however their cause changes', () => {
    const tried = new Tried().fail(40, start, hour).fail(40, start + 40 * hour, hour, 'http_error');
    expect(tried.types).toEqual(['endpoint.failing']);
  });

  it('does not come when a success lies between the failures', () => {
    const tried = new Tried();
    for (let round = 0; round < 10; round += 1) {
      tried.fail(3, start + round * day, hour).try({ at: start + round * day + 5 * hour });
    }
    expect(tried.events).toEqual([]);
  });

  it('does not come for failures in flight at the same time, which count as one', () => {
    const tried = new Tried();
    for (let count = 0; count < 20; count += 1) tried.try({ at: start, cause: 'timeout' });
    expect(tried.events).toEqual([]);
  });

  it('comes again, under another id, for failures after a success', () => {
    const tried = new Tried().fail(5, start, hour);
    tried.try({ at: start + 5 * hour });
    tried.fail(5, start + 6 * hour, hour);
    expect(tried.types).toEqual(['endpoint.failing', 'endpoint.recovered', 'endpoint.failing']);
    expect(new Set(tried.events.map(({ id }) => id)).size).toBe(3);
  });
});

describe('endpoint.failing with disableAt', () => {
  it('comes after four days without a success, a day before the endpoint is disabled', () => {
    const tried = new Tried().fail(97, start, hour);
    expect(tried.types).toEqual(['endpoint.failing', 'endpoint.failing']);
    const at = start + 96 * hour + second;
    expect(tried.events[1]).toMatchObject({
      timestamp: iso(at),
      data: { failingSince: iso(start), disableAt: iso(at + day) },
    });
  });

  it('does not come one millisecond earlier', () => {
    const tried = new Tried().fail(12, start, hour);
    expect(tried.try({ at: start + 4 * day - second - 1, cause: 'timeout' })).toBeUndefined();
    expect(tried.try({ at: start + 4 * day - second, cause: 'timeout' })).toBeDefined();
  });

  it('does not come before ten failed attempts, however long they take', () => {
    const tried = new Tried().fail(9, start, 3 * day);
    expect(tried.types).toEqual(['endpoint.failing']);
    const at = start + 30 * day;
    tried.try({ at, cause: 'timeout' });
    expect(tried.events[1]).toMatchObject({ type: 'endpoint.failing', data: { disableAt: iso(at + second + day) } });
  });
});

describe('endpoint.disabled', () => {
  it('comes a day after the warning, with the health forgotten and the reason in words', () => {
    const { tried, at } = warnedOne();
    expect(tried.try({ at: at + day - 1, cause: 'timeout' })).toBeUndefined();
    const change = tried.try({ at: at + day, cause: 'http_error' });
    expect(change).toMatchObject({ health: undefined, disabledBecause: expect.stringContaining('error') });
    expect(tried.events.at(-1)).toMatchObject({
      type: 'endpoint.disabled',
      data: { cause: 'http_error', message: change!.disabledBecause, failingSince: iso(start) },
    });
    expect(tried.endpoint).toMatchObject({ status: 'disabled' });
  });

  it('does not come when the endpoint succeeds once after the warning', () => {
    const { tried, at } = warnedOne();
    tried.try({ at: at + hour });
    tried.fail(15, at + 2 * hour, 6 * hour);
    expect(tried.types.slice(2)).toEqual(['endpoint.recovered', 'endpoint.failing']);
    expect(tried.endpoint).toMatchObject({ status: 'active' });
  });

  it('does not come for an old warning when the success after it was never written down', () => {
    const { tried, at } = warnedOne();
    tried.try({ at: at + hour, isUnwritten: true });
    tried.fail(15, at + 2 * hour, 3 * hour);
    expect(tried.types.slice(2)).toEqual(['endpoint.recovered', 'endpoint.failing']);
    expect(tried.events.slice(2)).toMatchObject([
      { data: { failingSince: iso(start) } },
      { data: { failingSince: iso(at + 2 * hour) } },
    ]);
    expect(tried.endpoint).toMatchObject({ status: 'active' });
  });

  it('comes at once for a cause that ends everything', () => {
    const change = disabling(crm, iso(start), 'gone', start + second);
    expect(change).toMatchObject({ health: undefined, disabledBecause: expect.stringContaining('410 Gone') });
    expect(JSON.parse(change.body)).toMatchObject({
      type: 'endpoint.disabled',
      timestamp: iso(start + second),
      data: { endpoint: 'crm', cause: 'gone', failingSince: iso(start) },
    });
  });
});

describe('endpoint.recovered', () => {
  it('comes once, with the cause and the beginning that endpoint.failing had', () => {
    const tried = new Tried().fail(4, start, hour).fail(3, start + 4 * hour, hour, 'unreachable');
    for (let count = 0; count < 3; count += 1) tried.try({ at: start + 7 * hour + count });
    expect(tried.types).toEqual(['endpoint.failing', 'endpoint.recovered']);
    expect(tried.events[1]).toMatchObject({
      timestamp: iso(start + 7 * hour + second),
      data: { cause: 'timeout', failingSince: iso(start), message: tried.events[0]!.data.message },
    });
    expect(tried.endpoint).not.toHaveProperty('health');
  });

  it('does not come without endpoint.failing before', () => {
    const tried = new Tried().fail(3, start, hour);
    tried.try({ at: start + 3 * hour });
    expect(tried.events).toEqual([]);
  });
});

test('nextEndpointHealth tells nothing of a batch whose own attempts did not fail while others do', () => {
  const { breaker } = new Tried().fail(6, start, hour);
  expect(nextEndpointHealth(crm, breaker, undefined, start + day)).toBeUndefined();
});

describe('nextEndpointHealth for any answer', () => {
  const causes = ['http_error', 'timeout', 'unreachable', 'throttled'] as const;
  const history = fc
    .array(
      fc.record({
        wait: fc.integer({ min: second, max: 20 * hour }),
        cause: fc.option(fc.constantFrom(...causes), { nil: undefined, freq: 12 }),
        isUnwritten: fc.nat(9).map((chance) => chance === 0),
      }),
      { minLength: 20, maxLength: 120, size: 'max' },
    )
    .map((tries) => {
      let at = start;
      return tries.map(({ wait, ...one }): Try => {
        at += wait;
        return { at, ...one };
      });
    });

  it('disables only after five days without a success, ten failed attempts and a warning a day before', () => {
    let disabled = 0;
    const property = fc.property(history, (tries) => {
      const tried = new Tried();
      for (const [count, one] of tries.entries()) {
        if (!tried.try(one)?.disabledBecause) continue;
        const made = tries.slice(0, count + 1);
        const failed = made.slice(made.findLastIndex(({ cause }) => cause === undefined) + 1);
        const { disableAt } = tried.events.at(-2)!.data;
        expect(failed.length).toBeGreaterThanOrEqual(10);
        expect(one.at + second - failed[0]!.at).toBeGreaterThanOrEqual(5 * day);
        expect(one.at + second).toBeGreaterThanOrEqual(Date.parse(disableAt!));
        expect(Date.parse(disableAt!) - Date.parse(tried.events.at(-2)!.timestamp)).toBe(day);
        disabled += 1;
        break;
      }
    });
    fc.assert(property, { numRuns: 500 });
    expect(disabled).toBeGreaterThan(10);
  });

  it('tells, warns of and ends each time of failures at most once', () => {
    const property = fc.property(history, (tries) => {
      const tried = new Tried();
      for (const one of tries) if (tried.try(one)?.disabledBecause) break;
      const letters = tried.events.map(({ type, data }) => (data.disableAt ? 'w' : type.charAt('endpoint.'.length)));
      expect(letters.join('')).toMatch(/^(?:fw?r)*(?:fw?|fwd)?$/);
      expect(new Set(tried.events.map(({ id }) => id)).size).toBe(tried.events.length);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('tells the same in a repetition, byte by byte', () => {
    const property = fc.property(history, (tries) => {
      const [once, twice] = [new Tried(), new Tried()];
      for (const one of tries) expect(twice.try(one)?.body).toBe(once.try(one)?.body);
    });
    fc.assert(property);
  });

  it('derives ids from no clock', () => {
    const { breaker } = new Tried().fail(4, start, hour);
    const idsAt = (at: number) =>
      [
        nextEndpointHealth(crm, breaker, 'timeout', at),
        nextEndpointHealth(
          { ...crm, health: { failingSince: iso(start), cause: 'timeout' } },
          newBreaker,
          undefined,
          at,
        ),
        disabling(crm, iso(start), 'timeout', at),
      ].map((change) => JSON.parse(change!.body).id);
    expect(idsAt(start + 9 * hour)).toEqual(idsAt(start + 4 * hour));
  });
});
