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

describe('docs/events.schema.json', () => {
  const ajv = new Ajv2020({ strictTypes: false });
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
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns what the compiler says about a program beside the types */
  async function compiled(program: string): Promise<string> {
    writeFileSync(`${folder}events.d.ts`, eventsTypes());
    writeFileSync(`${folder}program.ts`, program);
    const options = [
      '--ignoreConfig',
      '--strict',
      '--noEmit',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--types',
      '',
    ];
    const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
    const { stdout } = await promisify(execFile)(tsc, [...options, `${folder}program.ts`], { cwd: folder }).catch(
      (error) => error,
    );
    return stdout;
  }

  it('has the types of docs/events.md (npx vitest run -u renews it)', async () => {
    await expect(eventsTypes()).toMatchFileSnapshot('../../docs/events.d.ts');
  });

  it('compiles alone, takes each example, and narrows by type', async () => {
    const given = examples.map(({ event }) => JSON.stringify(event)).join(',\n');
    const program = `import type { NotifierEvent } from './events.d.ts';
const all: NotifierEvent[] = [${given}];
for (const event of all) {
  if (event.type === 'transfer.overdue') { const end: string = event.data.expiresAt; void end; }
  if (event.type === 'transfer.failed') { const state: 'FAILED' = event.data.state; void state; }
  if (event.type === 'watch.many_failing') { const first: string | undefined = event.data.examples[0]; void first; }
}`;
    expect(await compiled(program)).toBe('');
  });

  it.each([
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
  ])('refuses %s of %s', async (_, type, statement, refusal) => {
    const program = `import type { NotifierEvent } from './events.d.ts';
export function use(event: NotifierEvent): void {
  if (event.type === '${type}') { ${statement} }
}`;
    expect(await compiled(program)).toContain(refusal);
  });

  it('has disableAt in the event that may carry it', async () => {
    const program = `import type { EndpointFailing } from './events.d.ts';
export const read = (event: EndpointFailing): string | undefined => event.data.disableAt;`;
    expect(await compiled(program)).toBe('');
  });
});
