import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { cache, run } from './tool.ts';

/** The packages are not installed beside the tests: some bring test files, which searches for tests would find. */
const folder = `${cache}/asyncapi`;

/** A finding of the parser; 0 is an error, 1 a warning. */
interface Diagnostic {
  readonly code: string;
  readonly severity: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What is used of the parser by the makers of AsyncAPI. */
export interface AsyncApiParser {
  parse(text: string): Promise<{
    readonly document?: {
      messages(): { readonly length: number };
      operations(): { readonly length: number };
    };
    readonly diagnostics: readonly Diagnostic[];
  }>;
}

/**
 * Installs the parser beside the project. No script of its packages is run: one of them would report the installation.
 *
 * @throws NotHere where the packages cannot be had
 */
export function installAsyncApiParser(): void {
  cpSync('test/outside/asyncapi', folder, { recursive: true });
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], 'needs the package @asyncapi/parser', folder);
}

/** The parser, once it is installed. */
export function asyncApiParser(): AsyncApiParser {
  const require = createRequire(resolve(folder, 'package.json'));
  const { Parser } = require('@asyncapi/parser') as { Parser: new () => AsyncApiParser };
  return new Parser();
}
