import { enableCompileCache } from 'node:module';
import { resolve } from 'node:path';

/**
 * Stores what Node.js compiles of later imports, so that the next start takes half the time. The folder lies beside the
 * dependencies: only their owner may write what others run. Without that right, nothing is stored.
 */
export function cacheCompiledCode(): void {
  enableCompileCache(resolve(import.meta.dirname, '../../node_modules/.cache/compiled'));
}
