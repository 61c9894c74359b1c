/**
 * Stands in bundles for the cache of endpoints that the DynamoDB client makes and, without endpoint discovery, never fills:
 * its own, a dependency of a dependency, is 7 KB of each bundle.
 */
export default class EndpointCacheMap<Key, Value> extends Map<Key, Value> {
  /** The cache's capacity means nothing to what stays empty. */
  constructor(_capacity: number) {
    super();
  }

  peek(key: Key): Value | undefined {
    return this.get(key);
  }
}
