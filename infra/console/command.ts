import { type Command, Option } from 'commander';
import { type Language, languages } from '#functions/notices/words/words.ts';
import { type CommonOptions, openSession, verb } from '#infra/cli/api/session.ts';
import { wholeNumber } from '#infra/cli/terminal/arguments.ts';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { isLoopback } from '#infra/config/plain-address.ts';
import type { startConsole } from './server.ts';

const examples = `
Serves pages on this machine alone, opens a browser, and runs until Ctrl-C. The pages ask the operator API with your
credentials. They only show; with --allow-changes they also change things, after a question.

The address has a token that lets one browser in after the other: keep it to yourself. The console may be open as long as you
like: nothing is read while no page is visible.

Examples:
  npm run notifier -- console
  npm run notifier -- console --data /var/lib/transfer-notifier --port 8080
  npm run notifier -- console --stack TransferNotifier --allow-changes
  ssh -L 8080:127.0.0.1:8080 box    # then, on that box: npm run notifier -- console --port 8080 --no-open
`;

interface ConsoleCommandOptions extends CommonOptions {
  readonly port?: number;
  readonly language?: Language;
  readonly allowChanges?: boolean;
  readonly open: boolean;
}

/** Milliseconds between two looks for news: on AWS, each look costs a little. */
const intervalsMs = { here: 3000, elsewhere: 15_000 };

export function consoleCommand(program: Command, context: CliContext): void {
  verb(program, 'console', 'show the notifier in a browser')
    .option('--port <port>', 'port on this machine (default: a free one)', wholeNumber(1, 65_535))
    .option('--allow-changes', 'let the pages change things, after a question')
    .option('--no-open', 'open no browser')
    .addOption(new Option('--language <language>', 'language of the pages (default: the browser’s)').choices(languages))
    .addHelpText('after', examples)
    .action(async (options: ConsoleCommandOptions) => {
      const session = await openSession(context, options);
      const { api, output, hint } = session;
      const { port, language, allowChanges: mayChange = false } = options;
      // Imported late, so that other commands start quicker.
      const steady = () => performance.now();
      const { startConsole } = await import('./server.ts');
      const { openBrowser } = await import('./browser.ts');
      const { allChecks } = await import('#infra/cli/doctor/checks.ts');
      const onFault = (error: Error) => output.warning(`the console failed to make a page: ${error.stack}`);
      const served = await startConsole({
        ...{ api, port, language, mayChange, hint, onFault, now: context.now, steady },
        intervalMs: isLoopback(new URL(api.address).hostname) ? intervalsMs.here : intervalsMs.elsewhere,
        runChecks: (onStep) => allChecks(context, options, onStep),
      }).catch((error: NodeJS.ErrnoException): ReturnType<typeof startConsole> => {
        throw error.code === undefined ? error : portProblem(error.code, port);
      });
      const { firstAddress, browserAddress } = served;
      output.item({ url: firstAddress }, () => `${output.paint('bold', 'Console')}  ${firstAddress}`);
      output.warning(`shows ${api.address}${mayChange ? ', and changes it after a question' : ''}; Ctrl-C ends it`);
      if (options.open && !(await openBrowser(browserAddress, context.environment))) {
        output.warning('no browser can be opened here: open that address yourself');
      }
      const stop = context.interrupted();
      if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve));
      await served.close();
    });
}

const portRemedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses it, perhaps another console: name another one, or leave --port out for a free one',
  EACCES: 'this user may not listen on it: name one above 1023, or leave --port out for a free one',
};

const portProblem = (code: string, port: number | undefined) =>
  refused(
    `cannot listen on ${port === undefined ? 'a free port' : `port ${port}`} (${code}): ${portRemedies[code] ?? 'look at the limits of this machine'}`,
  );
