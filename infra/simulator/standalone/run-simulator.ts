import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DemoLife, demoClientId, paceMs } from '#infra/local/demo/demo-life.ts';
import { exitCodes } from '#infra/local/process/exit-codes.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { guardOutput } from '#infra/terminal/command-output.ts';
import { onStopSignal } from '#infra/terminal/stop-signals.ts';

interface SimulatorOptions {
  /** On 127.0.0.1; 0 for any free one. */
  readonly port: number;
  /** Has the transfers of the demo, which change by themselves. */
  readonly live: boolean;
}

/** Port unless another one is wanted: one that a configuration file can name. */
const usualPort = 8090;

/** Runs the simulated server alone until a signal stops it; explains a failure on stderr, and returns the exit code. */
export async function runSimulator(args: readonly string[]): Promise<number> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  onStopSignal(stop);
  guardOutput(stop);
  try {
    const options = parseOptions(args);
    const server = await startCryptshareServer({ port: options.port });
    server.verifications.registerClientId(demoClientId);
    const life = options.live ? new DemoLife(server) : undefined;
    const happening = life && setInterval(() => life.happen(), paceMs);
    process.stdout.write(introduction(server, options));
    await stopped;
    clearInterval(happening);
    await server.close();
    return exitCodes.stopped;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.stopped : exitCodes.wrongStart;
    process.stderr.write(`${reasonOf(error as NodeJS.ErrnoException)}\n`);
    return exitCodes.broken;
  }
}

/** @throws CommanderError after help (exit code 0), or for a wrong command line */
function parseOptions(args: readonly string[]): SimulatorOptions {
  const command = new Command('npm run simulator --')
    .description('Runs the simulated Cryptshare Server alone, on this machine only. It keeps nothing.')
    .addOption(
      new Option('--port <number>', 'listen on this port of 127.0.0.1; 0 for any free one')
        .argParser(portOf)
        .default(usualPort),
    )
    .option('--live', 'begin with the transfers of the demo, which change every 1.5 s', false)
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', '\nCtrl-C stops it, with exit code 0. Exit code 1: the port is in use; 2: wrong options.\n')
    .exitOverride();
  return command.parse(args, { from: 'user' }).opts<SimulatorOptions>();
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new InvalidArgumentError('Expected a number from 0 to 65535.');
}

function reasonOf({ code, port, message }: NodeJS.ErrnoException & { readonly port?: number }): string {
  if (code === 'EADDRINUSE') return `port ${port} is in use: end what uses it, or choose another one by --port`;
  return `the simulated server cannot start: ${message}`;
}

const introduction = ({ url }: CryptshareServer, { live }: SimulatorOptions): string => `\
Simulated Cryptshare Server: ${url}  (Ctrl-C stops it)
${live ? 'Transfers of alice@example.com and bob@example.org change every 1.5 s.' : 'It has no transfers yet.'}

Watch it: save this as simulator.config.json

  {
    "server": { "url": "${url}" },
    "schedule": { "every": "2s" },
    "watches": [
      { "mailbox": "alice@example.com" },
      { "mailbox": "bob@example.org", "direction": "received" }
    ]
  }

and start the notifier in a second terminal:

  export CRYPTSHARE_CLIENT_ID=${demoClientId}
  npm start -- --config simulator.config.json --data simulator-data

Play with it in a third one:

  server=${url}
  # send a transfer
  curl $server/control/transfers -d '{"sender":"alice@example.com","to":["bob@example.org"]}'
  # let it arrive
  curl $server/control/transfers/TRACKING-ID/state -X PUT -d '{"state":"ACTIVE"}'
  # fetch it
  curl $server/control/transfers/TRACKING-ID/downloads -d '{"mail":"bob@example.org"}'
  # make the server fail
  curl $server/control/faults -d '{"times":6,"answer":{"kind":"response","status":500}}'
  # make it slow
  curl $server/control/switches -X PATCH -d '{"latencyMs":500}'
  # see what was asked
  curl $server/control/requests
`;
