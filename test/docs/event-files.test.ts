import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import { exampleEvent } from '#infra/terminal/example-event.ts';
import { eventsSchema, eventsTypes } from './event-files.ts';
import { examples } from './event-schemas.ts';

/** Name of a program with this statement about an event of a type. */
const nameOf = (type: string, statement: string): string => `${type} ${statement}`.replaceAll(/[^a-z]+/gi, '-');

/** True for a line in which the compiler speaks of a program. */
const isAbout = (program: string, line: string): boolean => line.startsWith(`${program}.ts(`);

describe('docs/events.schema.json', () => {
  const ajv = new Ajv2020({ strict: true });
  addFormats.default(ajv);
  const validate = ajv.compile(eventsSchema());

  it('has the schemas of docs/events.md (npx vitest run -u renews it)', async () => {
    await expect(`${JSON.stringify(eventsSchema(), null, 2)}\n`).toMatchFileSnapshot('../../docs/events.schema.json');
  });

  it('takes each example, and an event of each type with all of its fields', () => {
    for (const event of [...examples.map(({ event: one }) => one), ...eventTypes.map(exampleEvent)])
      expect([validate(event), event]).toEqual([true, event]);
  });

  /** Fields of `data` that an event may lack. */
  const optional: readonly string[] = ['downloadedAt', 'disableAt'];

  it('takes no example that lacks a field it needs, has one of another kind, or has the type of another shape', () => {
    for (const { event } of examples) {
      const { data, ...envelope } = event;
      for (const field of Object.keys(envelope)) expect(validate({ ...event, [field]: undefined })).toBe(false);
      for (const field of Object.keys(data)) {
        expect(validate({ ...event, data: { ...data, [field]: {} } })).toBe(false);
        const { [field]: _, ...rest } = data as unknown as Record<string, unknown>;
        const isTaken = validate({ ...event, data: rest });
        expect({ type: event.type, field, isTaken }).toMatchObject({ isTaken: optional.includes(field) });
      }
      const other = event.type.startsWith('transfer.') ? 'watch.failing' : 'transfer.active';
      expect(validate({ ...event, type: other })).toBe(false);
    }
  });
});

describe('docs/events.d.ts', () => {
  const folder = fileURLToPath(new URL(`../../node_modules/.cache/events-${process.pid}/`, import.meta.url));
  const refused = [
    ['a field of another type', 'notifier.test', 'const id = event.data.trackingId;', "'trackingId' does not exist"],
    ['a forbidden field', 'endpoint.disabled', 'event.data.disableAt;', "'disableAt' does not exist"],
    ['a forbidden field', 'endpoint.recovered', 'event.data.disableAt;', "'disableAt' does not exist"],
    [
      'a wrong value',
      'transfer.failed',
      "event.data.state = 'ACTIVE';",
      `'"ACTIVE"' is not assignable to type '"FAILED"'`,
    ],
    ['a missing field', 'notifier.test', "event.data = { endpoint: 'crm' };", "Property 'message' is missing"],
  ] as const;
  const given = examples.map(({ event }) => JSON.stringify(event)).join(',\n');
  /** Programs beside the types, by name. */
  const programs: Readonly<Record<string, string>> = {
    narrowing: `import type { NotifierEvent } from './events.d.ts';
const all: NotifierEvent[] = [${given}];
for (const event of all) {
  if (event.type === 'transfer.overdue') { const end: string = event.data.expiresAt; void end; }
  if (event.type === 'transfer.failed') { const state: 'FAILED' = event.data.state; void state; }
  if (event.type === 'watch.many_failing') { const first: string | undefined = event.data.examples[0]; void first; }
}`,
    optional: `import type { EndpointFailing } from './events.d.ts';
export const read = (event: EndpointFailing): string | undefined => event.data.disableAt;`,
    ...Object.fromEntries(
      refused.map(([, type, statement]) => [
        nameOf(type, statement),
        `import type { NotifierEvent } from './events.d.ts';
export function use(event: NotifierEvent): void {
  if (event.type === '${type}') { ${statement} }
}`,
      ]),
    ),
  };
  let said: string;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}events.d.ts`, eventsTypes());
    const files = Object.entries(programs).map(([name, program]) => {
      writeFileSync(`${folder}${name}.ts`, program);
      return `${folder}${name}.ts`;
    });
    const options = ['--ignoreConfig', '--strict', '--noEmit', '--target', 'es2022', '--module', 'nodenext'];
    const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
    // All at once, since the compiler takes most of its time to start.
    const compiling = promisify(execFile)(tsc, [...options, '--types', '', '--pretty', 'false', ...files], {
      cwd: folder,
    });
    said = (await compiling.catch((error) => error)).stdout;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What the compiler says about a program, or about the types themselves. */
  const saidOf = (name: string): string =>
    said
      .split('\n')
      .filter((line) => line !== '' && !Object.keys(programs).some((other) => other !== name && isAbout(other, line)))
      .join('\n');

  it('has the types of docs/events.md (npx vitest run -u renews it)', async () => {
    await expect(eventsTypes()).toMatchFileSnapshot('../../docs/events.d.ts');
  });

  it('compiles alone, takes each example, and narrows by type', () => {
    expect(saidOf('narrowing')).toBe('');
  });

  it.each(refused)('refuses %s of %s', (_, type, statement, refusal) => {
    expect(saidOf(nameOf(type, statement))).toContain(refusal);
  });

  it('has disableAt in the event that may carry it', () => {
    expect(saidOf('optional')).toBe('');
  });
});
