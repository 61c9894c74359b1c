/** Items that have arrived, and those to come. */
export class Arrivals<T> {
  readonly all: T[] = [];
  private readonly waiting = new Set<() => void>();

  add(item: T): void {
    this.all.push(item);
    for (const check of this.waiting) check();
  }

  /** Resolves with the first match among past and future items. */
  first(matches: (item: T) => boolean): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const check = () => {
      const found = this.all.find(matches);
      if (found === undefined) return;
      this.waiting.delete(check);
      resolve(found);
    };
    this.waiting.add(check);
    check();
    return promise;
  }
}
