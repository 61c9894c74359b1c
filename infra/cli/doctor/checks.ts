import { existsSync } from 'node:fs';
import type { StatusResource, WatchResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, type Session } from '#infra/cli/api/session.ts';
import { isTargetNamed, localRunHere } from '#infra/cli/api/target.ts';
import { CliError, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type Config, ConfigError, loadConfig } from '#infra/config/config.ts';
import { newClientId, readCredentials } from '#infra/config/credentials.ts';
import { usualConfigFile } from '#infra/config/usual-names.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { checkClock } from './clock.ts';
import { checkDeliveries } from './deliveries.ts';
import { checkEndpoints } from './endpoints.ts';
import { checkServer, noServer, unlessNotifierReaches } from './server.ts';
import { checkServices } from './services.ts';
import { checkListings, checkMailboxes } from './watches.ts';

/** Options of `doctor`; `config` is a file. */
export interface DoctorOptions extends CommonOptions {
  readonly config?: string;
}

/**
 * Runs all checks, in the order in which things have to work.
 *
 * @param onStep takes each step as it begins
 * @throws CliError for a wrong command line
 */
export async function allChecks(
  context: CliContext,
  options: DoctorOptions,
  onStep: (step: string) => void,
): Promise<Check[]> {
  onStep('reads the configuration, and asks the operator API');
  const { config, check: configCheck } = readConfig(options.config);
  const { session, status, watches = [], check: apiCheck } = await reachedApi(context, aimed(options, config, context));
  if (session) onStep('has the notifier ask the Cryptshare Server about the mailboxes');
  const mailboxes = session && (await checkMailboxes(session, watches));
  if (session) onStep('looks at tables, queues, topics and endpoints');
  const services = session ? await checkServices(session) : [];
  const endpoints = session ? await checkEndpoints(session) : [];
  onStep('asks the Cryptshare Server from this machine, and compares the clocks');
  const origin = config?.server.url ?? status?.server;
  const needsReceived = [...watches, ...(config?.watches ?? [])].some(({ direction }) => direction === 'received');
  const direct =
    origin === undefined
      ? [noServer]
      : await checkServer(context, { origin, caFile: config?.server.caFile, needsReceived });
  const isPolled = config === undefined || (status !== undefined && isServerOf(config, status));
  const clock = origin === undefined ? [] : await checkClock(origin.replace(/\/+$/, ''), context.now);
  return [
    configCheck,
    ...(mailboxes?.isServerReached && isPolled ? unlessNotifierReaches(direct) : direct),
    ...clock,
    ...clientIdChecks(context.environment),
    apiCheck,
    ...(config && status ? originChecks(config, status) : []),
    ...(mailboxes?.checks ?? []),
    ...services,
    ...(session && mailboxes ? checkListings(session, watches, mailboxes.unverified) : []),
    ...(session && status ? checkDeliveries(status, session.hint) : []),
    ...endpoints,
  ];
}

function readConfig(file: string | undefined): { readonly config?: Config; readonly check: Check } {
  const name = 'configuration';
  if (file === undefined && !existsSync(usualConfigFile)) {
    const remedy = 'name the configuration file by --config, to have it checked';
    return { check: warn(name, `there is no ${usualConfigFile} here`, remedy) };
  }
  try {
    return { config: loadConfig(file ?? usualConfigFile), check: ok(name, `${file ?? usualConfigFile} can be used`) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy = existsSync(file ?? usualConfigFile)
      ? 'correct the values named there'
      : 'check the path in --config';
    return { check: fail(name, error.message, remedy) };
  }
}

/** Checks the client id only if the environment has one: on AWS, the secret holds it. */
function clientIdChecks(environment: NodeJS.ProcessEnv): Check[] {
  const name = 'CRYPTSHARE_CLIENT_ID';
  if (environment[name] === undefined) return [];
  try {
    readCredentials(environment);
    return [ok(name, 'has the form of a client id')];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy = `expected 50 to 4000 letters and digits; ${newClientId} makes such a client id`;
    return [fail(name, 'does not have the form of a client id', remedy)];
  }
}

/** Aims at the stack of a given configuration file, unless an option or NOTIFIER_URL names an operator API. */
function aimed(options: DoctorOptions, config: Config | undefined, { environment }: CliContext): CommonOptions {
  const isAimed = isTargetNamed(options, environment) || localRunHere() !== undefined;
  return options.config === undefined || config === undefined || isAimed
    ? options
    : { ...options, stack: config.stack };
}

interface Reached {
  readonly session?: Session;
  readonly status?: StatusResource;
  readonly watches?: readonly WatchResource[];
  readonly check: Check;
}

async function reachedApi(context: CliContext, options: CommonOptions): Promise<Reached> {
  const name = 'operator API';
  try {
    const session = await openSession(context, options);
    const status = await session.api.get<StatusResource>('/status');
    const { items: watches } = await session.api.list<WatchResource>('/watches', {}, Number.POSITIVE_INFINITY);
    return { session, status, watches, check: ok(name, `${session.api.address} answers, version ${status.version}`) };
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode === exitCodes.wrongCommandLine) throw error;
    return { check: fail(name, error.message) };
  }
}

const originOf = (url: string): string => URL.parse(url)?.origin ?? url;

const isServerOf = (config: Config, status: StatusResource): boolean =>
  originOf(config.server.url) === originOf(status.server);

function originChecks(config: Config, status: StatusResource): Check[] {
  if (isServerOf(config, status)) return [];
  const message = `it names the server ${originOf(config.server.url)}, and the notifier polls ${originOf(status.server)}`;
  return [warn('configuration', message, 'deploy, or start, the notifier with this file')];
}
