import { ClassicLevel } from 'classic-level';

/** The part of an iterator of LevelDB that is used here. */
interface LevelIterator {
  close(): Promise<void>;
  return?: () => Promise<void>;
}

/** The class behind all databases of LevelDB, in a folder as in memory, which classic-level exports by its subclass alone. */
const { prototype } = Object.getPrototypeOf(ClassicLevel) as {
  readonly prototype: Record<'keys' | 'values', (...options: unknown[]) => LevelIterator>;
};

/**
 * Has dynalite close what it reads with. It ends each query by calling `return`, as iterators of the language have it, but
 * those of LevelDB have `close`: each would stay open, with memory of its own, and LevelDB would keep on disk whatever was
 * overwritten or deleted since.
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
