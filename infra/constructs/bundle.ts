import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

/** Files to put beside a bundle, by their names there: the path of a file to copy, or a text. */
export type BundledFiles = Readonly<Record<string, { readonly copyOf: string } | { readonly text: string }>>;

/**
 * What the SDK loads only when it needs it: where a function has no credentials in its environment, which on Lambda it
 * always has, or calls an operation that answers with a stream of events, which none here does. The runtime brings the
 * former along, should it ever want them.
 */
const neverLoaded = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/core/event-streams',
  '@smithy/credential-provider-imds',
];

/** Where the code of a function lies on Lambda. */
export const taskFolder = '/var/task';

/** Name of the handler in every bundle. */
export const bundledHandler = 'index.handler';

/**
 * Bundles an entry point with everything it imports, the AWS SDK included, into one file.
 *
 * @param entry path of a `.lambda.ts` file
 */
export function bundle(entry: string, files: BundledFiles = {}): Code {
  const tryBundle = (folder: string): boolean => {
    buildSync({
      entryPoints: [entry],
      outfile: join(folder, 'index.js'),
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node24',
      // CommonJS, because some packages of the SDK `require` what Node brings along.
      format: 'cjs',
      mainFields: ['module', 'main'],
      external: neverLoaded,
      alias: { 'mnemonist/lru-cache': fileURLToPath(new URL('endpoint-cache-map.ts', import.meta.url)) },
      legalComments: 'none',
      logLevel: 'warning',
    });
    for (const [name, file] of Object.entries(files)) {
      if ('text' in file) writeFileSync(join(folder, name), file.text);
      else copyFileSync(file.copyOf, join(folder, name));
    }
    return true;
  };
  return Code.fromAsset('functions', {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: { tryBundle },
      // Neither is ever run: bundling here succeeds or throws. But the command tells apart what comes from one folder.
      image: DockerImage.fromRegistry('none'),
      command: [entry, JSON.stringify(files)],
    },
  });
}
