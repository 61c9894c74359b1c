import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { jsonOf } from '#functions/parsing/json.ts';
import { type CliError, unreachable, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { isLoopback, isPlain } from '#infra/config/plain-address.ts';
import { usualConfigFile, usualDataFolder, usualStack } from '#infra/config/usual-names.ts';
import type { Target } from './aws-target.ts';

/** Options that name the operator API, at most one of them. */
export interface TargetOptions {
  readonly url?: string;
  readonly data?: string;
  readonly stack?: string;
}

const names = ['url', 'data', 'stack'] as const;

/** The given options as they are typed. */
export const targetWords = (options: TargetOptions): string[] =>
  names.flatMap((name) => (options[name] === undefined ? [] : [`--${name} ${options[name]}`]));

/** True when an option or NOTIFIER_URL names the operator API. */
export const isTargetNamed = (options: TargetOptions, { NOTIFIER_URL }: NodeJS.ProcessEnv): boolean =>
  Boolean(NOTIFIER_URL) || names.some((name) => options[name] !== undefined);

/** True when an operator API is named, or this folder has a local run or a configuration file. @throws CliError */
export const isTargetHere = (options: TargetOptions, environment: NodeJS.ProcessEnv): boolean =>
  isTargetNamed(options, environment) || localRunHere() !== undefined || existsSync(usualConfigFile);

/** Data folder of a local run that keeps its data here. @throws CliError if a configured stack may be meant instead */
export function localRunHere(): string | undefined {
  if (!existsSync(join(usualDataFolder, 'operator.json'))) return undefined;
  const other = configuredStack();
  if (other === undefined) return usualDataFolder;
  throw wrongCommandLine(
    `a local run keeps its data in ${usualDataFolder}, and ${usualConfigFile} names the stack ${other}: add --data ${usualDataFolder} or --stack ${other}`,
  );
}

/**
 * Finds the operator API by its address, the data folder of a local run, or a stack.
 *
 * @param environment may hold NOTIFIER_URL and NOTIFIER_TOKEN
 * @throws CliError for options that contradict each other, or without an API
 */
export async function findTarget(options: TargetOptions, environment: NodeJS.ProcessEnv): Promise<Target> {
  const named = names.filter((name) => options[name] !== undefined);
  if (named.length > 1) {
    const both = named.map((name) => `--${name}`).join(' and ');
    throw wrongCommandLine(`got ${both}, expected one of them: each says where the operator API is`);
  }
  const { stack } = options;
  const data = isTargetNamed(options, environment) ? options.data : localRunHere();
  if (data !== undefined) return runTarget(data);
  const url = options.url ?? (stack === undefined ? environment.NOTIFIER_URL || undefined : undefined);
  if (url === undefined) {
    const { stackTarget } = await import('./aws-target.ts');
    return stackTarget(stack ?? configuredStack() ?? usualStack);
  }
  const { hostname, protocol } = checkedUrl(url, options.url === undefined ? 'NOTIFIER_URL' : '--url');
  const region = /\.lambda-url\.([a-z0-9-]+)\.on\.aws$/.exec(hostname)?.[1];
  if (region !== undefined) {
    const { functionTarget } = await import('./aws-target.ts');
    return functionTarget(url, region);
  }
  if (protocol === 'http:' && !isLoopback(hostname)) {
    throw wrongCommandLine(`got ${url}, expected https: (http: only for this machine): secrets would travel in clear`);
  }
  return localTarget(url, environment.NOTIFIER_TOKEN, 'npm start prints the address of its operator API; use that');
}

/** The operator API of a run on this machine, or behind a proxy. @param remedy for when it is unreachable */
export const localTarget = (url: string, token: string | undefined, remedy: string): Target => ({
  url: url.replace(/\/+$/, ''),
  remedy,
  admission: () =>
    'add --data FOLDER of that run instead, or set NOTIFIER_TOKEN to the token in the file that npm start names',
  sign: async (_method, _url, headers) => (token ? { ...headers, authorization: `Bearer ${token}` } : headers),
});

/** The operator API of the run that keeps its data in a folder. A run that is started again has another address and token. */
function runTarget(data: string): Target {
  const found = () => {
    const { url, token } = addressIn(data);
    return localTarget(url, token, `is the local run with --data ${data} still running?`);
  };
  return {
    ...found(),
    get url() {
      return found().url;
    },
    sign: (...request) => found().sign(...request),
  };
}

/** Address and token that a local run wrote into its data folder. */
function addressIn(folder: string): { readonly url: string; readonly token: string } {
  const file = join(folder, 'operator.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw unreachable(
      `cannot read ${file} (${code}), which a local run writes: start one with npm start -- --config FILE --data ${folder}`,
    );
  }
  const { url, token } = (jsonOf(text) ?? {}) as { url?: unknown; token?: unknown };
  if (typeof url === 'string' && typeof token === 'string') return { url: checkedUrl(url, file).href, token };
  throw unreachable(
    `${file} names no address and token, expected {"url": "http://…", "token": "…"}: start the local run again`,
  );
}

function checkedUrl(text: string, source: string): URL {
  const url = URL.parse(text);
  if (url && !isPlain(url)) {
    // The message does not repeat it, since it may be a secret.
    throw wrongCommandLine(
      `${source} has a user name, a password, a query or a fragment, expected a plain address: the token of a local run belongs in NOTIFIER_TOKEN`,
    );
  }
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw wrongCommandLine(
    `${source} is ${text}, expected an address such as http://127.0.0.1:8123: npm start prints it`,
  );
}

/** Stack of the configuration file here. @throws CliError if it is unreadable, as it may name another than the usual */
function configuredStack(): string | undefined {
  const file = resolve(usualConfigFile);
  let stack: unknown;
  try {
    ({ stack } = JSON.parse(readFileSync(file, 'utf8')) ?? {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unclear(file, (error as Error).message);
  }
  if (stack === undefined || typeof stack === 'string') return stack;
  throw unclear(file, `stack is ${JSON.stringify(stack)}, expected a text`);
}

const unclear = (file: string, why: string): CliError =>
  unreachable(`${file} does not tell which stack is meant (${why}): correct it, or add --stack`);
