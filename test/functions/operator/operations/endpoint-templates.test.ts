import { beforeEach, describe, expect, it } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const template = { routing_key: '{{ROUTING_KEY}}', summary: '{{data.trackingId}} {{words}}' };
const variables = { ROUTING_KEY: 'hidden-key' };
const event = exampleEvent('one');

const add = (settings: object) =>
  world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('hidden-path'), ...settings } });
const preview = (body: object) => world.ask('POST', '/endpoints/crm/preview', { body });

describe('POST /endpoints with a template', () => {
  it('shows neither template, variables nor path of the address in answers and logs', async () => {
    expect(await add({ format: 'template', template, variables })).toMatchObject({ status: 201 });
    const answers = [await world.ask('GET', '/endpoints/crm'), await world.ask('GET', '/endpoints')];
    expect(answers[0]!.body).toMatchObject({ format: 'template', url: expect.stringMatching(/\/…$/) });
    for (const text of [JSON.stringify(answers), JSON.stringify(world.lines)]) {
      for (const hidden of ['hidden', 'routing_key', 'ROUTING_KEY']) expect(text).not.toContain(hidden);
    }
  });

  it('refuses every mistake at once with its path, and repeats no value of a variable', async () => {
    const wrong = { a: '{{data.sequence}}', b: ['{{TOKEN}}', '{{data.typo}}'] };
    const refused = await add({
      format: 'template',
      template: wrong,
      variables,
      types: ['transfer.failed', 'watch.*'],
    });
    expect(refused).toMatchObject({
      status: 400,
      body: {
        problems: [
          { path: 'template.a', message: expect.stringContaining('{{data.sequence}} is not in every event of watch.') },
          { path: 'template.b.0', message: '{{TOKEN}} has no value: give one in variables' },
          { path: 'template.b.1', message: expect.stringMatching(/^\{\{data\.typo\}\} .* lists the placeholders$/) },
        ],
      },
    });
    expect(JSON.stringify(refused)).not.toContain('hidden');
  });

  it.each([
    [{ format: 'template' }, 'template', 'expected one with format template'],
    [{ template }, 'template', 'expected none with format event'],
    [{ format: 'slack', template }, 'template', 'expected none with format slack'],
    [{ format: 'template', template: 'text' }, 'template', 'expected a JSON object or array'],
    [{ format: 'template', template: 7 }, 'template', 'expected a JSON object or array'],
    [{ format: 'template', template: null }, 'template', 'expected a JSON object or array'],
    [{ format: 'template', template, variables: { ROUTING_KEY: 7 } }, 'variables.ROUTING_KEY', 'expected a text'],
  ])('refuses %j', async (settings, path, message) => {
    expect(await add(settings)).toMatchObject({ status: 400, body: { problems: [{ path, message }] } });
  });
});

describe('PATCH /endpoints/{name} with a template', () => {
  it('checks it against the types that are then subscribed', async () => {
    await add({ format: 'template', template, variables, types: ['transfer.*'] });
    const refused = await world.ask('PATCH', '/endpoints/crm', { body: { types: ['watch.failing'] } });
    expect(refused).toMatchObject({ status: 400, body: { problems: [{ path: 'template.summary' }, {}] } });
    const both = { types: ['watch.failing'], template: { key: '{{ROUTING_KEY}}', summary: '{{data.message}}' } };
    expect(await world.ask('PATCH', '/endpoints/crm', { body: both })).toMatchObject({ status: 200 });
  });
});

describe('POST /endpoints/{name}/preview', () => {
  it('shows the body for a stored event with the variables masked, and sends nothing', async () => {
    await add({ format: 'template', template, variables });
    await world.fanOut(event);
    await world.takeWakeUps();
    const shown = await preview({ event: event.id });
    expect(shown).toMatchObject({ status: 200, body: { contentType: 'application/json' } });
    expect(JSON.parse(shown.body.body as string)).toEqual({ routing_key: '***', summary: 'one failed' });
    expect(world.received).toEqual([]);
  });

  it('shows the body for a given event', async () => {
    await add({ format: 'cloudevents' });
    const shown = await preview({ event });
    expect(shown.body).toMatchObject({ contentType: 'application/cloudevents+json' });
    expect(JSON.parse(shown.body.body as string)).toMatchObject({ specversion: '1.0', id: event.id });
  });

  it('shows the very bytes for the format event', async () => {
    await add({});
    expect(await preview({ event })).toMatchObject({ status: 200, body: { body: eventBody(event) } });
  });

  it('refuses an unknown event, an unknown endpoint and what is no event', async () => {
    await add({ format: 'template', template, variables });
    expect(await preview({ event: 'evt_none' })).toMatchObject({
      status: 404,
      body: { detail: 'there is no event evt_none' },
    });
    expect(await preview({ event: { id: 'evt_1' } })).toMatchObject({ status: 400 });
    expect(await world.ask('POST', '/endpoints/none/preview', { body: { event } })).toMatchObject({ status: 404 });
  });

  it('refuses a chat, which gets notices', async () => {
    await add({ format: 'slack' });
    expect(await preview({ event })).toMatchObject({
      status: 409,
      body: { detail: 'crm is a chat: it gets notices, and test sends one' },
    });
  });
});
