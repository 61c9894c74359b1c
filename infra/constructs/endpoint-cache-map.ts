/**
 * Replaces, in bundles, the endpoint cache of the DynamoDB client, which stays empty without endpoint discovery. The
 * original, a dependency of a dependency, would add 7 KB to each bundle.
 */
export default class EndpointCacheMap<Key, Value> extends Map<Key, Value> {
  /** Ignores the capacity, as the cache stays empty. */
  constructor(_capacity: number) {
    super();
  }

  peek(key: Key): Value | undefined {
    return this.get(key);
  }
}
