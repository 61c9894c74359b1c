import { ClassicLevel } from 'classic-level';

interface LevelIterator {
  close(): Promise<void>;
  return?: () => Promise<void>;
}

/** Base class of all LevelDB databases, in a folder or in memory; classic-level exports only its subclass. */
const { prototype } = Object.getPrototypeOf(ClassicLevel) as {
  readonly prototype: Record<'keys' | 'values', (...options: unknown[]) => LevelIterator>;
};

/**
 * Closes the iterators of dynalite's queries: dynalite calls `return`, as for iterators of the language, but LevelDB's
 * have `close`. Otherwise each would stay in memory, and LevelDB would keep overwritten or deleted data on disk.
 */
export function closeIterators(): void {
  for (const method of ['keys', 'values'] as const) {
    const original = prototype[method];
    prototype[method] = function (...options) {
      const iterator = original.apply(this, options);
      iterator.return ??= () => iterator.close();
      return iterator;
    };
  }
}
