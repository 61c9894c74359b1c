import { steady } from '#functions/clock/instants.ts';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { listingsSince, minorOfMajorOne, versionsIn } from '#functions/cryptshare/api-version.ts';
import { type Answer, CryptshareFailure, errorCodeOf, failureOf } from '#functions/cryptshare/failure.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { readTextFile } from '#infra/config/text-file.ts';
import { type Check, fail, failed, ok, warn } from './check.ts';
import { checkCertificate, explainedByTls } from './tls.ts';

export interface ServerToCheck {
  readonly origin: string;
  /** PEM file with the certificate of a private authority. */
  readonly caFile: string | undefined;
  /** True when received transfers are watched, which older servers cannot list. */
  readonly needsReceived: boolean;
}

/** Milliseconds for the server to answer. */
const timeoutMs = 10_000;

const reached = 'server';
const version = 'REST API version';

/** Asks the server directly which API versions it offers. */
export async function checkServer({ now, sleep }: CliContext, server: ServerToCheck): Promise<Check[]> {
  const origin = server.origin.replace(/\/+$/, '');
  const ca = server.caFile === undefined ? undefined : readTextFile(server.caFile);
  const calls = new ServerCalls({
    origin,
    ca,
    // `/status` needs no client id.
    clientId: '',
    maxConcurrentPages: 1,
    now,
    steady,
    random: Math.random,
    sleep,
  });
  try {
    const answer = await calls.send({ path: '/status', minimumMinor: undefined }, steady() + timeoutMs);
    const [here, ...others] = judged(answer, server, now());
    return [here, await checkCertificate(origin, ca, now()), ...others];
  } catch (error) {
    if (error instanceof CryptshareFailure) return [failed(reached, await explainedByTls(error, origin, ca))];
    throw error;
  } finally {
    calls.close();
  }
}

function judged(answer: Answer, { origin, needsReceived }: ServerToCheck, now: Date): [Check, ...Check[]] {
  const here = ok(reached, `${origin} answers`);
  if (!isOwnWord(answer)) return [failed(reached, notTheServer(answer))];
  if (answer.status === 404 && errorCodeOf(answer.body) !== undefined) return [here, unknownVersion];
  if (answer.status !== 200) return [failed(reached, failureOf(answer, now))];
  const versions = versionsIn(answer.body);
  if (versions.length === 0) return [here, unknownVersion];
  const offered = versions.map(({ major, minor }) => `${major}.${minor}`).join(', ');
  const minor = minorOfMajorOne(versions);
  if (minor === undefined)
    return [here, failed(version, new CryptshareFailure('major_version_gone', `it offers ${offered}`))];
  if (minor >= listingsSince) return [here, ok(version, `1.${minor}`)];
  const old = new CryptshareFailure('version_unsupported', `it offers 1.${minor}`);
  if (needsReceived) return [here, failed(version, old)];
  return [here, warn(version, `${old.message}; sent transfers are listed as older versions do`, old.remedy)];
}

/**
 * True when the server itself may have answered, not the login page of a proxy. The server answers with JSON; faults,
 * redirects and limits mean the same from any sender.
 */
function isOwnWord({ status, body }: Answer): boolean {
  const isRefusal = status === 401 || status === 403 || status === 407;
  if (status !== 200) return !isRefusal || errorCodeOf(body) !== undefined;
  return typeof jsonOf(body) === 'object';
}

function notTheServer({ status, headers }: Answer): CryptshareFailure {
  const type = /^[\w+./-]{1,60}/.exec(headers['content-type'] ?? '')?.[0] ?? 'no content type';
  return new CryptshareFailure('malformed_answer', `HTTP ${status}, ${type}`);
}

const unknownVersion = warn(
  version,
  'the server does not say which versions it offers, as servers before 1.13 do not',
  'nothing to do while polls succeed; received transfers need 1.12',
);

/** Turns a failure into a warning if only the notifier reaches the server, for example in a private network. */
export const unlessNotifierReaches = (checks: readonly Check[]): Check[] =>
  checks.map((check) =>
    check.name === reached && check.outcome === 'fail'
      ? warn(
          reached,
          `not from here: ${check.message}; the notifier itself reaches it`,
          `nothing to do if it is on a private network; ${check.remedy}`,
        )
      : check,
  );

export const noServer: Check = fail(reached, 'no server to ask is known', 'name the configuration file by --config');
