import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

/** Texts of files to put beside a bundle, by their names. */
export type BundledFiles = Readonly<Record<string, string>>;

/**
 * Lazily loaded packages of the SDK that no function needs. Lambda sets credentials in the environment, so no provider
 * is loaded; its runtime has them anyway. No operation used here returns an event stream.
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

/** JSON files that a bundle leaves empty, if they are imported without a type: the SDK reads only the version there, to name it in requests. */
const versionFile = /(?:^|\/)node_modules\/@aws-sdk\/[\w-]+\/package\.json$/;

export const taskFolder = '/var/task';

export const bundledHandler = 'index.handler';

/**
 * Bundles an entry point with everything it imports, the AWS SDK included, into one file.
 *
 * @param entry path of a `.lambda.ts` file
 */
export function bundle(entry: string, files: BundledFiles = {}): Code {
  const tryBundle = (folder: string): boolean => {
    const { metafile } = buildSync({
      entryPoints: [entry],
      outfile: join(folder, 'index.js'),
      bundle: true,
      metafile: true,
      minify: true,
      platform: 'node',
      target: 'node24',
      // CommonJS, because some packages of the SDK `require` modules of Node.
      format: 'cjs',
      mainFields: ['module', 'main'],
      external: neverLoaded,
      alias: { 'mnemonist/lru-cache': fileURLToPath(new URL('endpoint-cache-map.ts', import.meta.url)) },
      loader: { '.json': 'empty' },
      legalComments: 'none',
      logLevel: 'warning',
    });
    // An import with the type `json`, as of words for people, keeps its content.
    const emptied = Object.entries(metafile.inputs).flatMap(([file, { with: type }]) =>
      file.endsWith('.json') && !type && !versionFile.test(file) ? [file] : [],
    );
    if (emptied.length > 0) throw new Error(`the bundle of ${entry} would lack ${emptied.join(', ')}`);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return true;
  };
  return Code.fromAsset('functions', {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: { tryBundle },
      // The CDK never runs these, as local bundling succeeds or throws. It tells assets of one folder apart by the command.
      image: DockerImage.fromRegistry('none'),
      command: [entry, JSON.stringify(files)],
    },
  });
}
