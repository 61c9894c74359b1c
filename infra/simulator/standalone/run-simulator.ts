import { steady } from '#functions/clock/instants.ts';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { readHistory } from '#infra/simulator/lives/history-file.ts';
import { startLife } from '#infra/simulator/lives/life.ts';
import { firstMorning, seededHistory } from '#infra/simulator/lives/seeded-history.ts';
import { simulatorPages } from '#infra/simulator/page/pages.ts';
import { switchesFrom } from '#infra/simulator/page/switch-text.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { simulatedClientId } from '#infra/simulator/verifications.ts';
import { introduction } from './introduction.ts';

export interface SimulatorOptions {
  /** On 127.0.0.1; 0 for any free one. */
  readonly port: number;
  /** Seed of identifiers, and of lives that begin by themselves. */
  readonly seed?: number;
  /** Seconds of the lives in one of the clock. */
  readonly speed?: number;
  /** File of a history to replay. */
  readonly history?: string;
  /** Switches as `NAME=VALUE`. */
  readonly set: readonly string[];
}

const usualSpeed = 1000;

/**
 * Runs the simulated server alone until Ctrl-C.
 * @throws CliError for wrong options, an unreadable history, or a port in use
 */
export async function runSimulator(context: CliContext, options: SimulatorOptions): Promise<void> {
  const { port, seed = 1, speed = usualSpeed } = options;
  const switches = switchesIn(options.set);
  const life = lifeIn(options);
  const stop = context.interrupted();
  const server = await startCryptshareServer({ port, seed, switches, pages: simulatorPages }).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw refused(`port ${port} is in use: end what uses it, or choose another one by --port`);
  });
  server.verifications.registerClientId(simulatedClientId);
  const endLife = life && startLife(server, { ...life, speed, steady });
  context.stdout.write(introduction(server.url, simulatedClientId, life && { ...life, speed }));
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  endLife?.();
  await server.close();
}

/** @throws CliError */
function switchesIn(set: readonly string[]) {
  const texts = set.map((text) => {
    const end = text.indexOf('=');
    if (end < 1) throw wrongCommandLine(`got --set ${text}, expected NAME=VALUE: --help lists the switches`);
    return [text.slice(0, end), text.slice(end + 1)] as const;
  });
  const switches = switchesFrom(Object.fromEntries(texts), defaultSwitches);
  if (typeof switches === 'string') throw wrongCommandLine(`${switches}; --help lists the switches`);
  return switches;
}

/** Lives that the options ask for; undefined for a server that is left alone. @throws CliError */
function lifeIn({ seed, speed, history: file }: SimulatorOptions) {
  if (file === undefined) {
    if (seed === undefined && speed === undefined) return undefined;
    return { history: seededHistory(seed ?? 1, firstMorning), from: firstMorning, what: `seed ${seed ?? 1}` };
  }
  const history = readHistory(file);
  return { history, from: Date.parse(history[0]!.at), what: file };
}
