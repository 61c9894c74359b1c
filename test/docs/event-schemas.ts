import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { EventType } from '#functions/events/catalogue.ts';
import type { EndpointEvent, TestEvent } from '#functions/events/endpoint-event.ts';
import type { TransferEvent, WatchEvent } from '#functions/events/transfer-event.ts';

/** Every event that the code can send. */
export type AnyEvent = TransferEvent | WatchEvent | EndpointEvent | TestEvent;

/** A fenced block of `docs/events.md` that is marked as a schema or as an example. */
interface Block {
  readonly kind: 'schema' | 'example';
  /** The type that the section is about; undefined where it is about all of them. */
  readonly type: string | undefined;
  readonly text: string;
}

/** Example of `docs/events.md`. */
export interface Example {
  /** The type that the section is about. */
  readonly type: EventType;
  readonly text: string;
  readonly event: AnyEvent;
}

/** The text of `docs/events.md`. */
export const document = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');

function blocksOf(markdown: string): Block[] {
  const headingOrBlock = /^#+ (?<heading>[^\n]+)$|^```json (?<kind>schema|example)\n(?<text>.*?)\n```$/gms;
  const blocks: Block[] = [];
  let type: string | undefined;
  for (const { groups = {} } of markdown.matchAll(headingOrBlock)) {
    const { heading, kind, text = '' } = groups;
    if (heading !== undefined) type = /^`(.+)`$/.exec(heading)?.[1];
    else blocks.push({ kind: kind as Block['kind'], type, text });
  }
  return blocks;
}

const blocks = blocksOf(document);

/** The schema of all events, and that of each type, as `docs/events.md` shows them. */
export const schemaTexts: readonly { readonly type: string | undefined; readonly text: string }[] = blocks.filter(
  ({ kind }) => kind === 'schema',
);

/** Every example in `docs/events.md`. */
export const examples: readonly Example[] = blocks.flatMap(({ kind, type, text }) =>
  kind === 'example' && type !== undefined ? [{ type: type as EventType, text, event: JSON.parse(text) }] : [],
);

// What `properties` and `pattern` apply to is said by the schema that is referred to: no type beside them.
const ajv = new Ajv2020({ allErrors: true, strictTypes: false });
addFormats.default(ajv);

/** The schema of each type that `docs/events.md` describes. */
export const schemas: ReadonlyMap<string, ValidateFunction> = compile(blocks.filter(({ kind }) => kind === 'schema'));

/**
 * Checks an event against the schema of its type in `docs/events.md`.
 *
 * @throws Error that names the type and says what is wrong, with ajv's errors as its cause
 */
export function assertValidEvent(event: unknown): void {
  const { type } = (event ?? {}) as { type?: unknown };
  const validate = typeof type === 'string' ? schemas.get(type) : undefined;
  if (!validate) throw new Error(`docs/events.md describes no event of type ${JSON.stringify(type)}`);
  if (validate(event)) return;
  const problems = ajv.errorsText(validate.errors, { dataVar: 'event' });
  throw new Error(`${type} is not as docs/events.md describes it: ${problems}`, { cause: validate.errors });
}

function compile(schemaBlocks: readonly Block[]): Map<string, ValidateFunction> {
  const compiled = new Map<string, ValidateFunction>();
  for (const { type, text } of schemaBlocks) {
    if (type === undefined) ajv.addSchema(JSON.parse(text));
    else if (compiled.has(type)) throw new Error(`docs/events.md has two schemas of ${type}`);
    else compiled.set(type, ajv.compile(JSON.parse(text)));
  }
  return compiled;
}
