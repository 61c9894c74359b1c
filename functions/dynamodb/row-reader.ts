/**
 * Readers of rows and their attributes, which give these their types. `@__NO_SIDE_EFFECTS__` lets a bundle leave out the
 * readers that it does not use.
 */
import { logName } from '#functions/parsing/log-name.ts';
import type { Item } from './row.ts';

/** Reads an attribute. It throws Mismatch for a value of another kind. */
type Reader<T> = (value: unknown) => T;
type Fields = Readonly<Record<string, Reader<unknown>>>;
type OptionalName<F extends Fields> = { [Name in keyof F]: undefined extends ReadBy<F[Name]> ? Name : never }[keyof F];
type ObjectOf<F extends Fields> = { readonly [Name in Exclude<keyof F, OptionalName<F>>]: ReadBy<F[Name]> } & {
  readonly [Name in OptionalName<F>]?: ReadBy<F[Name]>;
};

export type ReadBy<R extends Reader<unknown>> = ReturnType<R>;

class Mismatch extends Error {
  readonly path: string[] = [];
}

/** Thrown for a row that its reader cannot read. It names the row and the attribute, but no value and no mailbox. */
export class RowError extends Error {
  override readonly name = 'RowError';
}

/** @param expected words for the error, for example `a number` */
/* @__NO_SIDE_EFFECTS__ */
export function that<T>(isIt: (value: unknown) => value is T, expected: string): Reader<T> {
  return (value) => {
    if (!isIt(value)) throw new Mismatch(expected);
    return value;
  };
}

export const text = that((value) => typeof value === 'string', 'a text');
export const number = that((value) => typeof value === 'number', 'a number');
export const flag = that((value) => typeof value === 'boolean', 'true or false');
export const bytes = that((value) => value instanceof Uint8Array, 'bytes');

const anyList = that((value) => Array.isArray(value), 'a list');
const anyObject = that((value): value is Item => typeof value === 'object' && value !== null, 'an object');

/* @__NO_SIDE_EFFECTS__ */
export function oneOf<const T extends string>(texts: readonly T[]): Reader<T> {
  return that((value): value is T => texts.some((one) => one === value), texts.join(' or '));
}

/* @__NO_SIDE_EFFECTS__ */
export function orElse<T, Missing = T>(reader: Reader<T>, missing: Missing): Reader<T | Missing> {
  return (value) => (value === undefined ? missing : reader(value));
}

/* @__NO_SIDE_EFFECTS__ */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return orElse(reader, undefined);
}

/* @__NO_SIDE_EFFECTS__ */
export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (value) => anyList(value).map((each) => reader(each));
}

/** Reads an object whose names are data. */
/* @__NO_SIDE_EFFECTS__ */
export function record<T>(reader: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value) =>
    Object.fromEntries(Object.entries(anyObject(value)).map(([name, each]) => [name, readAt(name, reader, each)]));
}

/** Reads the named fields of an object, and drops the others. */
/* @__NO_SIDE_EFFECTS__ */
export function object<F extends Fields>(fields: F): Reader<ObjectOf<F>> {
  const readers = Object.entries(fields);
  return (value) => {
    const given = anyObject(value);
    const read: Item = {};
    for (const [name, reader] of readers) {
      const each = readAt(name, reader, given[name]);
      if (each !== undefined) read[name] = each;
    }
    // Safe: it has the value of each reader under its name.
    return read as ObjectOf<F>;
  };
}

function readAt<T>(name: string, reader: Reader<T>, value: unknown): T {
  try {
    return reader(value);
  } catch (error) {
    if (error instanceof Mismatch) error.path.unshift(name);
    throw error;
  }
}

/**
 * Reads rows, and drops their keys and all attributes that the reader does not name. @throws RowError
 * @example rowReader(object({ rev: number }))({ pk: 'SHARDS', sk: 'shard#0', rev: 1 }) // { rev: 1 }
 */
/* @__NO_SIDE_EFFECTS__ */
export function rowReader<T>(reader: Reader<T>): (row: Item) => T {
  return (row) => {
    try {
      return reader(row);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      const place = `the row ${keyInLogs(row.pk)} ${keyInLogs(row.sk)}`;
      throw new RowError(`${place} is not as expected: ${error.path.join('.')} must be ${error.message}`);
    }
  };
}

/** Rows that could be read, and the error of the first one that could not. */
export interface Fitting<T> {
  readonly fitting: readonly T[];
  readonly fault: RowError | undefined;
}

/** Reads the rows that fit, so that a damaged one hides no other. */
export function readFitting<T>(rows: readonly Item[], read: (row: Item) => T): Fitting<T> {
  const fitting: T[] = [];
  let fault: RowError | undefined;
  for (const row of rows) {
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
