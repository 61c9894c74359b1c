import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import { filledTemplate, templateProblems, variablesIn } from '#functions/webhooks/endpoints/template.ts';
import { examples } from '#test/docs/event-schemas.ts';

const exampleOf = (type: string) =>
  examples.find((one) => one.type === type)!.event as { timestamp: string; data: Record<string, unknown> };
const failed = exampleOf('transfer.failed');
const filled = (template: unknown, event: unknown = failed, variables = {}) =>
  JSON.parse(filledTemplate({ template, variables }, JSON.stringify(event)));

describe('filledTemplate', () => {
  it('puts values of the event and the catalogue into texts', () => {
    const { id, timestamp, data } = failed as { id: string } & typeof failed;
    const text = '{{id}} {{ type }} {{timestamp}} {{severity}} {{words}} {{data.trackingId}} {{data.sequence}}';
    expect(filled([text])).toEqual([
      `${id} transfer.failed ${timestamp} alert failed ${data.trackingId} ${data.sequence}`,
    ]);
  });

  it('keeps the JSON type of a placeholder that is alone, and all other values of the template', () => {
    const template = { number: '{{data.sequence}}', whole: '{{data}}', kept: [1, true, null, { deep: 'as it is' }] };
    expect(filled(template)).toEqual({
      ...{ number: failed.data.sequence, whole: failed.data },
      kept: [1, true, null, { deep: 'as it is' }],
    });
    const event = { ...failed, data: { problems: ['files_removed', 'other'] } };
    expect(filled(['{{data.problems}}', 'is {{data.problems}}'], event)).toEqual([
      ['files_removed', 'other'],
      'is files_removed, other',
    ]);
  });

  it('gives the time in seconds since 1970 as a number, with its fraction', () => {
    expect(filled({ time: '{{timestampSeconds}}' })).toEqual({ time: Date.parse(failed.timestamp) / 1000 });
  });

  it('makes a missing value null alone and nothing within a text, whatever the event has', () => {
    const template = { alone: '{{data.expiresAt?}}', within: 'until {{data.expiresAt?}}.', words: '{{words}}' };
    const unknown = { ...failed, type: 'transfer.of_a_later_version' };
    expect(filled(template, unknown)).toEqual({ alone: null, within: 'until .', words: null });
    expect(filled(template, { ...failed, data: null })).toEqual({ alone: null, within: 'until .', words: 'failed' });
    expect(filled(['{{data.toString}}', '{{constructor}}', '{{data.__proto__}}'])).toEqual([null, null, null]);
  });

  it('fills in variables, and never a placeholder that comes with the event (P28)', () => {
    const event = { ...failed, data: { ...failed.data, state: '{{TOKEN}} {{id}} $& "}' } };
    const template = { key: '{{TOKEN}}', state: 'now {{data.state}}', alone: '{{data.state}}' };
    expect(filled(template, event, { TOKEN: '"secret" {{id}}' })).toEqual({
      ...{ key: '"secret" {{id}}', state: 'now {{TOKEN}} {{id}} $& "}', alone: '{{TOKEN}} {{id}} $& "}' },
    });
  });

  it('replaces nothing in keys, and takes __proto__ for a key like any other', () => {
    const template = JSON.parse('{"{{id}}":"{{type}}","__proto__":{"polluted":"{{type}}"}}');
    const text = filledTemplate({ template }, JSON.stringify(failed));
    expect(text).toBe('{"{{id}}":"transfer.failed","__proto__":{"polluted":"transfer.failed"}}');
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  it('gives JSON of the same structure for any template and any event (P28)', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('{{data.state}}', 'a {{data.state}} b', '{{data}', '{{', '}}'));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: 'small' }, text, fc.array(tie('tree')), fc.dictionary(fc.string(), tie('tree'))),
    }));
    const shapeOf = (node: unknown): unknown => {
      if (Array.isArray(node)) return node.map(shapeOf);
      if (typeof node !== 'object' || node === null) return 'leaf';
      return Object.entries(node).map(([key, each]) => [key, shapeOf(each)]);
    };
    const property = fc.property(tree, fc.string({ unit: 'binary' }), (template, state) => {
      const event = { ...failed, data: { ...failed.data, state } };
      expect(shapeOf(filled(template, event))).toEqual(shapeOf(JSON.parse(JSON.stringify(template))));
    });
    fc.assert(property);
  });
});

describe('the placeholder {{key}}', () => {
  const keyOf = (event: object) => filled(['{{key}}'], event)[0] as string;
  const about = (type: string, data: object) => ({ ...exampleOf(type), data: { ...exampleOf(type).data, ...data } });

  it('is the same for all events about one transfer of a watch, and another for its other watch', () => {
    const transfer = { trackingId: '20240522-065711-H8UoUSI6', mailbox: 'alice@example.com', direction: 'sent' };
    const types = eventTypes.filter((type) => type.startsWith('transfer.'));
    const keys = new Set(types.map((type) => keyOf(about(type, transfer))));
    expect([...keys]).toEqual([expect.stringMatching(/^key_[0-9a-z]{25}$/)]);
    expect(keys).not.toContain(keyOf(about('transfer.failed', { ...transfer, direction: 'received' })));
    expect(keys).not.toContain(keyOf(about('transfer.failed', { ...transfer, trackingId: 'other' })));
  });

  it.each([
    ['watch.failing', 'watch.recovered', { cause: 'timeout' }],
    ['watch.many_failing', 'watch.many_recovered', {}],
    ['endpoint.failing', 'endpoint.recovered', { failingSince: '2024-05-27T09:12:41.618Z', cause: 'timeout' }],
    ['endpoint.failing', 'endpoint.disabled', { failingSince: '2024-05-27T09:12:41.618Z', cause: 'http_error' }],
  ])('joins %s and %s of one outage', (begin, end, data) => {
    expect(keyOf(about(end, data))).toBe(keyOf(exampleOf(begin)));
    expect(keyOf(about(end, { endpoint: 'x', mailbox: 'x@example.com' }))).not.toBe(keyOf(exampleOf(begin)));
  });
});

describe('templateProblems', () => {
  it('names one mistake of a template that is too large, however many it has', () => {
    const template = Array.from({ length: 50_000 }, () => '{{a}}');
    expect(templateProblems({ template }, ['transfer.failed'])).toEqual(['template: expected at most 8192 characters']);
  });

  const transfers = eventTypes.filter((type) => type.startsWith('transfer.'));

  it('accepts fields that every subscribed type has, and others with a question mark', () => {
    const template = ['{{data.sequence}}', '{{words}}', '{{data.recipients?}}', { deep: ['{{data.expiresAt?}}'] }];
    expect(templateProblems({ template }, transfers)).toEqual([]);
    expect(templateProblems({ template: ['{{data.expiresAt}}'] }, ['transfer.overdue'])).toEqual([]);
    // A test has them, and any endpoint may get one.
    expect(templateProblems({ template: ['{{data.message?}} {{data.endpoint?}}'] }, transfers)).toEqual([]);
  });

  it('names each mistake with its path, the placeholder and the types that lack it', () => {
    const template = {
      payload: { summary: '{{data.recipients}} of {{data.nothing?}}', list: ['fine', '{{words}}'] },
      open: 'a {{id',
      key: '{{KEY}}',
      'data.downloadedAt': '{{data.downloadedAt}}',
    };
    const listed = 'docs/receiving-webhooks.md lists the placeholders';
    expect(templateProblems({ template }, ['transfer.failed', 'transfer.downloaded', 'watch.failing'])).toEqual([
      'template.payload.summary: {{data.recipients}} is not in every event of transfer.failed, watch.failing: write {{data.recipients?}} if it may be empty',
      `template.payload.summary: {{data.nothing?}} is not in every event of transfer.failed, transfer.downloaded, watch.failing: ${listed}`,
      'template.payload.list.1: {{words}} is not in every event of watch.failing: write {{words?}} if it may be empty',
      'template.open: {{id has no end: expected }}',
      'template.key: {{KEY}} has no value: give one in variables',
      'template.data.downloadedAt: {{data.downloadedAt}} is not in every event of transfer.failed, transfer.downloaded, watch.failing: write {{data.downloadedAt?}} if it may be empty',
    ]);
  });

  it('bounds size and depth', () => {
    const nested = (levels: number): unknown => (levels === 0 ? '{{id}}' : [nested(levels - 1)]);
    expect(templateProblems({ template: nested(16) }, transfers)).toEqual([]);
    expect(templateProblems({ template: nested(100_000 / 20) }, transfers)).toEqual([
      expect.stringMatching(/^template(?:\.0)+: expected at most 16 levels$/),
    ]);
    expect(templateProblems({ template: ['x'.repeat(8188)] }, transfers)).toEqual([]);
    expect(templateProblems({ template: ['x'.repeat(8189)] }, transfers)).toEqual([
      'template: expected at most 8192 characters',
    ]);
  });

  it('knows every field that docs/events.md shows, and no other', () => {
    for (const { type, event } of examples) {
      const template = Object.keys(event.data).map((field) => `{{data.${field}?}}`);
      expect(templateProblems({ template }, [type]), type).toEqual([]);
    }
  });
});

describe('variablesIn', () => {
  it('finds names in capital letters in texts, not in keys', () => {
    expect(variablesIn({ '{{KEY}}': ['{{A_1}} {{ B }}', { c: '{{type}} {{Type}}' }], d: 1 })).toEqual(['A_1', 'B']);
  });
});
