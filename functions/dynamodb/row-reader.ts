/**
 * Schemas of rows and their attributes, which give these their types; each carries the words of its error.
 * `@__NO_SIDE_EFFECTS__` lets a bundle leave out the schemas that it does not use.
 */
import * as z from 'zod/mini';
import { logName } from '#functions/parsing/log-name.ts';
import type { Item } from './row.ts';

export { _default as orElse, optional } from 'zod/mini';

/** Type of a row or an attribute by its schema, readonly throughout. */
export type ReadBy<S extends z.ZodMiniType> = Unchanging<z.output<S>>;
type Unchanging<T> = T extends Uint8Array ? T : { readonly [Name in keyof T]: Unchanging<T[Name]> };

/** Thrown for a row that its reader cannot read. It names the row and the attribute, but no value and no mailbox. */
export class RowError extends Error {
  override readonly name = 'RowError';
}

/** @param expected words for the error, for example `a number` */
/* @__NO_SIDE_EFFECTS__ */
export const that = <T>(isIt: (value: unknown) => value is T, expected: string) => z.custom<T>(isIt, expected);

export const text = z.string('a text');
export const number = z.number('a number');
export const flag = z.boolean('true or false');
export const bytes = that((value) => value instanceof Uint8Array, 'bytes');

/* @__NO_SIDE_EFFECTS__ */
export const oneOf = <const T extends string>(texts: readonly T[]) => z.enum(texts, texts.join(' or '));

/* @__NO_SIDE_EFFECTS__ */
export const list = <S extends z.ZodMiniType>(schema: S) => z.array(schema, 'a list');

/** An object whose names are data. */
/* @__NO_SIDE_EFFECTS__ */
export const record = <S extends z.ZodMiniType>(schema: S) => z.record(z.string(), schema, 'an object');

/** The named fields of an object; the others are dropped. */
/* @__NO_SIDE_EFFECTS__ */
export const object = <F extends z.core.$ZodLooseShape>(fields: F) => z.object(fields, 'an object');

/**
 * Reads rows, and drops their keys and all attributes that the schema does not name. @throws RowError
 * @example rowOf({ rev: number })({ pk: 'SHARDS', sk: 'shard#0', rev: 1 }) // { rev: 1 }
 */
/* @__NO_SIDE_EFFECTS__ */
export function rowReader<S extends z.ZodMiniType>(schema: S): (row: Item) => ReadBy<S> {
  return (row) => {
    const { data, error } = z.safeParse(schema, row);
    if (!error) return data as ReadBy<S>;
    const { path, message } = error.issues[0]!;
    // Positions in a list are left out.
    const attribute = path.filter((part) => typeof part === 'string').join('.');
    const place = `the row ${keyInLogs(row.pk)} ${keyInLogs(row.sk)}`;
    throw new RowError(`${place} is not as expected: ${attribute} must be ${message}`);
  };
}

/** {@link rowReader} of an object with these fields. */
/* @__NO_SIDE_EFFECTS__ */
export const rowOf = <F extends z.core.$ZodLooseShape>(fields: F) => rowReader(object(fields));

/** Reads the rows that fit, so that a damaged one hides no other. `fault` is the error of the first that does not. */
export function readFitting<T>(rows: readonly Item[], read: (row: Item) => T, isWanted = (_: Item) => true) {
  const fitting: T[] = [];
  let fault: RowError | undefined;
  for (const row of rows.filter(isWanted)) {
    try {
      fitting.push(read(row));
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      fault ??= error;
    }
  }
  return { fitting, fault };
}

/** A key as logs may show it: instead of a watch or mailbox, the name that logs have for it. */
const keyInLogs = (key: string): string =>
  key.replace(/^(?<place>[0-9a-f]{8}#)?(?<named>.*@.*)$/s, (_, place = '', named) => place + logName(named));
