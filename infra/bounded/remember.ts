/**
 * Adds an entry as the latest one, and forgets the oldest if there are more than `most`.
 * @returns the key that it has forgotten
 */
export function remember<Key, Value>(memory: Map<Key, Value>, key: Key, value: Value, most: number): Key | undefined {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size <= most) return undefined;
  const [oldest] = memory.keys();
  memory.delete(oldest!);
  return oldest;
}
