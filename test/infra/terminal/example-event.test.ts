import { describe, expect, it } from 'vitest';
import { dataFieldsOf, eventTypes } from '#functions/events/catalogue.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';
import { assertValidEvent, examples } from '#test/docs/event-schemas.ts';

describe('exampleEvent', () => {
  it.each(eventTypes)('makes an event of type %s as docs/events.md describes it', (type) => {
    assertValidEvent(exampleEvent(type));
  });
});

describe('dataFieldsOf', () => {
  it.each(examples)(
    'has each field of the documented $type, and marks those that may be missing',
    ({ type, event }) => {
      const without = (field: string) => {
        const { [field]: _, ...data } = event.data as unknown as Record<string, unknown>;
        return { ...event, data };
      };
      const fields = dataFieldsOf(type);
      for (const field of fields.filter((one) => !one.endsWith('?')))
        expect(() => assertValidEvent(without(field)), field).toThrow(field);
      for (const field of fields.filter((one) => one.endsWith('?'))) assertValidEvent(without(field.replace('?', '')));
      expect(fields.map((field) => field.replace('?', ''))).toEqual(expect.arrayContaining(Object.keys(event.data)));
    },
  );
});
