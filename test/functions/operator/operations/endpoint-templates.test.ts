import { beforeEach, describe, expect, it } from 'vitest';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const template = { routing_key: '{{ROUTING_KEY}}', summary: '{{data.trackingId}} {{words}}' };
const variables = { ROUTING_KEY: 'hidden-key' };

const add = (settings: object) =>
  world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('hidden-path'), ...settings } });

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

describe('GET /endpoints/{name}/template', () => {
  const show = (name = 'crm') => world.ask('GET', `/endpoints/${name}/template`);

  it('shows the template as it is kept, and the names of its variables without their values', async () => {
    await add({ format: 'template', template, variables });
    expect(await show()).toMatchObject({ status: 200, body: { template, variables: ['ROUTING_KEY'] } });
    expect(JSON.stringify([await show(), world.lines])).not.toContain('hidden-key');
    expect(JSON.stringify(world.lines)).not.toContain('routing_key');
  });

  it('answers 404 for an endpoint without a template, and for none', async () => {
    await add({ format: 'cloudevents' });
    expect(await show()).toMatchObject({ status: 404, body: { detail: 'there is no template of crm' } });
    expect(await show('none')).toMatchObject({ status: 404, body: { detail: 'there is no endpoint none' } });
  });
});
