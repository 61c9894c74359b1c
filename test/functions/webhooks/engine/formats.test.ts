import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { sendTest } from '#functions/webhooks/deliveries/replay.ts';
import { eventBodyOf } from '#functions/webhooks/endpoints/format.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import { block } from '#test/docs/document-blocks.ts';
import { examples } from '#test/docs/event-schemas.ts';
import { crm, first, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import type { Received } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

/** Announces the first event, and delivers it. */
async function deliverFirst() {
  await world.fanOut(first);
  await world.answerWakeUps();
  return world.received[0]!;
}

/** The signature by the official library, of the bytes as they arrived. */
const signatureBy = (secret: string, { headers, body }: Received): string =>
  new Webhook(secret).sign(String(headers['webhook-id']), new Date(Number(headers['webhook-timestamp']) * 1000), body);

describe('the format cloudevents', () => {
  it('sends a signed event in structured mode, which the official SDK reads', async () => {
    const { secret } = await crm.add({ format: 'cloudevents' });
    const request = await deliverFirst();
    const { headers, body } = request;
    expect(headers['content-type']).toBe('application/cloudevents+json');
    expect(headers['webhook-signature']).toBe(signatureBy(secret!, request));
    const event = HTTP.toEvent({ headers, body }) as CloudEvent<object>;
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({
      ...{ specversion: '1.0', id: first.id, type: first.type, subject: first.data.trackingId, data: first.data },
      ...{ source: 'urn:transfer-notifier:transfer', time: first.timestamp, datacontenttype: 'application/json' },
    });
  });

  it.each(examples)('sends $type as the official SDK demands, with no attribute beyond', ({ event }) => {
    const stored = eventBody(event);
    const body = JSON.parse(eventBodyOf('cloudevents', stored, {}));
    expect(new CloudEvent(body, true).validate()).toBe(true);
    const subject = 'trackingId' in event.data ? ['subject'] : [];
    expect(Object.keys(body)).toEqual([
      ...['specversion', 'id', 'source', 'type', ...subject, 'time', 'datacontenttype', 'data'],
    ]);
    expect(body.data).toEqual(event.data);
  });
});

describe.each([
  { format: 'cloudevents', settings: { format: 'cloudevents' } },
  { format: 'template', settings: { format: 'template', template: { text: '{{id}} at {{timestamp}}' } } },
] as const)('the format $format', ({ settings }) => {
  it('sends the same bytes at every retry, under the id of the event', async () => {
    await crm.add(settings);
    world.setAnswer(() => ({ status: world.received.length < 3 ? 500 : 204 }));
    await world.fanOut(first);
    await world.settleAll();
    expect(world.ids()).toEqual([first.id, first.id, first.id]);
    expect(new Set(world.received.map(({ body }) => body)).size).toBe(1);
    expect(await world.deliveryOf(first)).toMatchObject({ status: 'DELIVERED' });
  });

  it('disables the endpoint after 410, as the standard has it', async () => {
    await crm.add(settings);
    world.setAnswer(() => ({ status: 410 }));
    await deliverFirst();
    expect(await crm.read()).toMatchObject({ status: 'disabled', disabledBecause: expect.stringContaining('410') });
  });

  it('sends a test as an event, not as a digest', async () => {
    await crm.add(settings);
    const { event } = await sendTest(world.deps, 'crm');
    await world.answerWakeUps();
    expect(world.received[0]!.body).toContain(event);
    expect(event).toMatch(/^evt_/);
  });
});

describe('the format template', () => {
  const template = { routing_key: '{{ROUTING_KEY}}', payload: { summary: '{{data.trackingId}} {{words}}' } };
  const variables = { ROUTING_KEY: 'hidden-key' };

  it('sends a signed body with the values of the event and of variables', async () => {
    const { secret } = await crm.add({ format: 'template', template, variables });
    const request = await deliverFirst();
    expect(request.headers['content-type']).toBe('application/json');
    expect(request.headers['webhook-signature']).toBe(signatureBy(secret!, request));
    expect(JSON.parse(request.body)).toEqual({
      routing_key: 'hidden-key',
      payload: { summary: 'transfer-0 failed' },
    });
  });

  it('keeps template and variables encrypted in the table', async () => {
    await crm.add({ format: 'template', template, variables });
    await deliverFirst();
    const rows = JSON.stringify(await world.dump());
    for (const hidden of ['hidden-key', 'routing_key', 'ROUTING_KEY']) expect(rows).not.toContain(hidden);
  });

  it('takes a changed template for the next attempt, and keeps it when something else changes', async () => {
    await crm.add({ format: 'template', template, variables });
    world.setAnswer(() => ({ status: world.received.length < 2 ? 500 : 204 }));
    await deliverFirst();
    await crm.update({ template: { now: '{{type}} {{ROUTING_KEY}}' } });
    await crm.update({ maxInFlight: 3 });
    await world.settleAll();
    expect(world.received.at(-1)!.body).toBe('{"now":"transfer.failed hidden-key"}');
  });

  it('takes no variable with the name of a field of the event', async () => {
    await expect(crm.add({ format: 'template', template, variables: { ...variables, id: 'x' } })).rejects.toThrow(
      'variables',
    );
  });

  it('fails a delivery whose body would exceed 64 KB, and sends nothing', async () => {
    const long = { ...first, data: { ...first.data, state: 'x'.repeat(1000) } };
    await crm.add({ format: 'template', template: Array(66).fill('{{data.state}}'), retryDelaysMs: [1000] });
    await world.fanOut(long);
    await world.settleAll();
    expect(world.received).toEqual([]);
    const { status, reason, lastAttempt } = await world.deliveryOf(first);
    // The receiver is not to blame.
    expect({ status, reason }).toEqual({ status: 'FAILED', reason: 'rejected' });
    expect(attemptWords(lastAttempt!)).toBe('its body would exceed 64 KB, and was not sent (BODY_TOO_LONG)');
    expect(attemptRemedy(lastAttempt!)).toContain('endpoint preview');
  });
});

it('shows a CloudEvent in docs/receiving-webhooks.md as it is sent', () => {
  const event = examples.find(({ type }) => type === 'transfer.processing')!.event;
  const body = eventBodyOf('cloudevents', eventBody(event), {});
  expect(block('json cloudevent')).toBe(`${JSON.stringify(JSON.parse(body), null, 2)}\n`);
});
