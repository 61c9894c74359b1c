import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

/** Texts of files to put beside a bundle, by their names. */
export type BundledFiles = Readonly<Record<string, string>>;

/**
 * Lazily loaded packages of the SDK that no function needs: credential providers, as Lambda sets credentials in the
 * environment (and its runtime includes the providers), and event streams, which no operation used here returns.
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

export const taskFolder = '/var/task';

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
      // CommonJS, because some packages of the SDK `require` modules of Node.
      format: 'cjs',
      mainFields: ['module', 'main'],
      external: neverLoaded,
      alias: { 'mnemonist/lru-cache': fileURLToPath(new URL('endpoint-cache-map.ts', import.meta.url)) },
      // Only each SDK client's own package.json, of which a request's header would name the version.
      loader: { '.json': 'empty' },
      legalComments: 'none',
      logLevel: 'warning',
    });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return true;
  };
  return Code.fromAsset('functions', {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: { tryBundle },
      // Neither runs: local bundling succeeds or throws. The CDK tells assets of one folder apart by the command.
      image: DockerImage.fromRegistry('none'),
      command: [entry, JSON.stringify(files)],
    },
  });
}
