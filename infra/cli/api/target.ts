import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf } from '#functions/parsing/json.ts';
import { unreachable, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { Target } from './aws-target.ts';
import { configuredStack } from './configured-stack.ts';

/** Options that name the operator API, at most one of them. */
export interface TargetOptions {
  readonly url?: string;
  readonly data?: string;
  readonly stack?: string;
}

/**
 * Finds the operator API: at an address, by the data folder of a local run, or by the stack on AWS.
 *
 * @param environment may name an address in NOTIFIER_URL, and hold the token of a local run in NOTIFIER_TOKEN
 * @throws CliError when the options contradict, or lead to no operator API
 */
export async function findTarget(options: TargetOptions, environment: NodeJS.ProcessEnv): Promise<Target> {
  const named = (['url', 'data', 'stack'] as const).filter((name) => options[name] !== undefined);
  if (named.length > 1) {
    const both = named.map((name) => `--${name}`).join(' and ');
    throw wrongCommandLine(`got ${both}, expected one of them: each says where the operator API is`);
  }
  const { data, stack } = options;
  if (data !== undefined) {
    const { url, token } = addressIn(data);
    return localTarget(url, token, `is the local run with --data ${data} still running?`);
  }
  const url = options.url ?? (stack === undefined ? environment.NOTIFIER_URL || undefined : undefined);
  if (url === undefined) {
    const { stackTarget } = await import('./aws-target.ts');
    return stackTarget(stack ?? configuredStack());
  }
  const { hostname, protocol } = checkedUrl(url, options.url === undefined ? 'NOTIFIER_URL' : '--url');
  const region = /\.lambda-url\.([a-z0-9-]+)\.on\.aws$/.exec(hostname)?.[1];
  if (region !== undefined) {
    const { functionTarget } = await import('./aws-target.ts');
    return functionTarget(url, region);
  }
  if (protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) {
    const message = `got ${url}, expected https: (http: only for this machine): secrets would travel in clear`;
    throw wrongCommandLine(message);
  }
  const { NOTIFIER_TOKEN: token } = environment;
  return localTarget(url, token, 'npm start prints the address of its operator API; use that');
}

function localTarget(url: string, token: string | undefined, remedy: string): Target {
  return {
    url: url.replace(/\/+$/, ''),
    remedy,
    admission: () =>
      'add --data FOLDER of that run instead, or set NOTIFIER_TOKEN to the token in the file that npm start names',
    sign: async (_method, _url, headers) => (token ? { ...headers, authorization: `Bearer ${token}` } : headers),
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
  if (typeof url !== 'string' || typeof token !== 'string') {
    throw unreachable(
      `${file} names no address and token, expected {"url": "http://…", "token": "…"}: start the local run again`,
    );
  }
  return { url: checkedUrl(url, file).href, token };
}

function checkedUrl(text: string, source: string): URL {
  const url = URL.parse(text);
  const { username = '', password = '', search = '', hash = '' } = url ?? {};
  if (username + password + search + hash !== '') {
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
