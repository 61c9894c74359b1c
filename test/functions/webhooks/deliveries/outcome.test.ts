import { describe, expect, test } from 'vitest';
import { type Outcome, outcomeOf, outcomeOfError } from '#functions/webhooks/deliveries/outcome.ts';
import type { Format } from '#functions/webhooks/endpoints/format.ts';
import { PostError, type PostFailure } from '#functions/webhooks/http/webhook-client.ts';

const now = new Date('2026-11-24T12:00:00Z');
const inTwoMinutes = 'Tue, 24 Nov 2026 12:02:00 GMT';
const formats: readonly Format[] = ['event', 'cloudevents', 'template', 'slack', 'teams'];

const delivered: Outcome = { kind: 'delivered' };
const rejected: Outcome = { kind: 'rejected', cause: 'http_error' };
const channelGone: Outcome = { kind: 'gone', cause: 'channel_gone' };
const failed = (retryAfterMs?: number): Outcome => ({
  kind: 'failed',
  cause: 'http_error',
  slowDown: false,
  retryAfterMs: retryAfterMs,
});
const throttled = (retryAfterMs?: number): Outcome => ({
  kind: 'failed',
  cause: 'throttled',
  slowDown: true,
  retryAfterMs: retryAfterMs,
});

/** What an answer leads to. */
function outcome(format: Format, status: number, body = '', retryAfterMs?: string): Outcome {
  const headers = retryAfterMs === undefined ? {} : { 'retry-after': retryAfterMs };
  return outcomeOf(format, { status, headers, body }, now);
}

describe.each(formats)('outcomeOf for the format %s', (format) => {
  test.each([200, 201, 202, 204, 226, 299])('takes %i for success', (status) => {
    expect(outcome(format, status, 'ok')).toEqual(delivered);
  });

  test.each([300, 301, 302, 303, 304, 307, 308, 399])('takes %i for a failure', (status) => {
    expect(outcome(format, status)).toEqual(failed());
  });

  test.each([408, 409, 425, 500, 501, 505, 507, 599])('tries again after %i', (status) => {
    expect(outcome(format, status)).toEqual(failed());
  });

  test.each([429, 502, 503, 504])('slows down at %i for as long as Retry-After says', (status) => {
    expect(outcome(format, status)).toEqual(throttled());
    expect(outcome(format, status, '', '120')).toEqual(throttled(120_000));
    expect(outcome(format, status, '', '0')).toEqual(throttled(0));
    expect(outcome(format, status, '', inTwoMinutes)).toEqual(throttled(120_000));
    expect(outcome(format, status, '', 'Tue, 24 Nov 2026 11:00:00 GMT')).toEqual(throttled(0));
    expect(outcome(format, status, '', 'soon')).toEqual(throttled());
  });

  test('heeds Retry-After of a 500 without slowing down', () => {
    expect(outcome(format, 500, '', '7')).toEqual(failed(7000));
    expect(outcome(format, 500, '', inTwoMinutes)).toEqual(failed(120_000));
  });
});

describe.each(['event', 'cloudevents', 'template'] as const)('outcomeOf for the format %s of events', (format) => {
  test('takes 410 for gone, whatever else the answer says', () => {
    const gone: Outcome = { kind: 'gone', cause: 'gone' };
    expect(outcome(format, 410)).toEqual(gone);
    expect(outcome(format, 410, 'ok', '60')).toEqual(gone);
  });

  test.each([400, 401, 403, 404, 405, 413, 422])('tries again after %i, which an operator may repair', (status) => {
    expect(outcome(format, status, 'invalid_payload')).toEqual(failed());
  });

  test.each(['no_service', 'channel_is_archived', 'Webhook message delivery failed with error: 429'])(
    'ignores the words of a chat in an answer 200: %s',
    (body) => expect(outcome(format, 200, body)).toEqual(delivered),
  );
});

describe('outcomeOf for Slack', () => {
  test.each([
    { status: 200, body: 'ok', expected: delivered },
    { status: 404, body: 'no_service', expected: channelGone },
    { status: 410, body: 'channel_is_archived', expected: channelGone },
    { status: 404, body: 'channel_not_found', expected: channelGone },
    { status: 403, body: 'action_prohibited', expected: channelGone },
    { status: 400, body: 'user_not_found', expected: channelGone },
    { status: 410, body: '', expected: failed() },
    { status: 404, body: '<h1>Not Found</h1>', expected: failed() },
    { status: 403, body: 'blocked by your organisation', expected: failed() },
    { status: 400, body: 'invalid_payload', expected: rejected },
    { status: 400, body: 'no_text', expected: rejected },
    { status: 413, body: '', expected: failed() },
    { status: 429, body: 'rate_limited', expected: throttled() },
    { status: 500, body: 'rollup_error', expected: failed() },
    { status: 503, body: 'no_service', expected: throttled() },
  ])('takes $status "$body" for $expected.kind', ({ status, body, expected }) => {
    expect(outcome('slack', status, body)).toEqual(expected);
  });
});

describe('outcomeOf for Teams', () => {
  const workflow = (code: string) => JSON.stringify({ error: { code, message: 'The workflow …' } });

  test.each([
    { status: 200, body: '1', expected: delivered },
    { status: 202, body: '', expected: delivered },
    { status: 404, body: workflow('WorkflowNotFound'), expected: channelGone },
    { status: 400, body: workflow('WorkflowTriggerIsNotEnabled'), expected: channelGone },
    { status: 401, body: '', expected: failed() },
    { status: 410, body: '', expected: failed() },
    { status: 404, body: '<h2>Our services are not available right now</h2>', expected: failed() },
    { status: 400, body: workflow('TriggerInputSchemaMismatch'), expected: rejected },
    { status: 413, body: '', expected: failed() },
    { status: 429, body: '', expected: throttled() },
    { status: 500, body: workflow('WorkflowNotFound'), expected: failed() },
  ])('takes $status "$body" for $expected.kind', ({ status, body, expected }) => {
    expect(outcome('teams', status, body)).toEqual(expected);
  });
});

test.each<[PostFailure, string]>([
  ['forbidden_target', 'forbidden_target'],
  ['unresolvable', 'unreachable'],
  ['connect_timeout', 'unreachable'],
  ['proxy', 'proxy_failed'],
  ['refused', 'unreachable'],
  ['broken', 'unreachable'],
  ['timeout', 'timeout'],
  ['tls', 'untrusted_certificate'],
  ['headers_too_large', 'http_error'],
])('outcomeOfError tries again after %s, and calls it %s', (failure, cause) => {
  expect(outcomeOfError(new PostError(failure))).toEqual({
    kind: 'failed',
    cause,
    slowDown: false,
    retryAfterMs: undefined,
  });
});
