import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { ToldEvent } from '#functions/notices/digest.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { path } from '#infra/cli/api/client.ts';
import type { EndpointResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, type Session, verb } from '#infra/cli/api/session.ts';
import { testEndpoint } from '#infra/cli/commands/endpoint/endpoint-test.ts';
import { duration } from '#infra/cli/terminal/arguments.ts';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { timeText } from '#infra/cli/terminal/output.ts';
import { htmlMail } from '#infra/local/mail/html-mail.ts';
import { printableJson, printableLines } from '#infra/terminal/printable.ts';
import { noticePreview, type ReadEvents } from './notice-preview.ts';

const examples = `
Examples:
  npm run notifier -- notice preview --reader team
  npm run notifier -- notice preview --reader team --period 7d --html digest.html
  npm run notifier -- notice test team
`;

interface PreviewOptions extends CommonOptions {
  readonly reader: string;
  /** Milliseconds. */
  readonly period?: number;
  readonly html?: string;
}

/** Events read for a preview: more make it no different, but take minutes. */
const mostEvents = 10_000;

/** A notice is the message of a digest to a reader. */
export function noticeCommands(program: Command, context: CliContext): void {
  const noun = program.command('notice').description('messages to readers').addHelpText('after', examples);
  verb(noun, 'preview', 'show the digest of stored events as a reader would get it, without sending it')
    .requiredOption('--reader <name>', 'reader, or chat, by its name')
    .option(
      '--period <duration>',
      'of the last hours or days, for example 12h or 7d (default: from digest to digest)',
      duration,
    )
    .option('--html <file>', 'write the mail to this file as HTML')
    .action(async (options: PreviewOptions) => preview(await openSession(context, options), options));
  verb(noun, 'test <name>', 'send a reader a test message, and wait for the answer').action(
    async (name: string, options: CommonOptions) => {
      const session = await openSession(context, options);
      await existingReader(session, name);
      await testEndpoint(session, name);
    },
  );
}

async function preview(session: Session, { reader: name, period, html }: PreviewOptions): Promise<void> {
  const { api, output, context } = session;
  const endpoint = await existingReader(session, name);
  output.progress('reading events …');
  const read: ReadEvents = async (query) => {
    const { items, next } = await api.list<ToldEvent>('/events', query, mostEvents);
    return { events: items, isCut: next !== undefined };
  };
  const { digest, message, body, isCut } = await noticePreview(endpoint, { read, period, now: context.now() });
  output.progress('');
  if (html !== undefined) writePage(html, htmlMail(message));
  output.result({ subject: message.subject, body }, () => {
    output.warning(`${name} would get this for ${digest.events} events since ${timeText(digest.since)} UTC:`);
    output.line(`\nSubject: ${printableLines(message.subject)}\n`);
    output.line(typeof body === 'string' ? printableLines(body) : printableJson(body, 2));
    if (isCut) output.warning(`these are the newest ${mostEvents} events of that time`);
    if (html !== undefined) output.warning(`wrote ${html}`);
  });
}

/** @throws CliError for a file that cannot be written */
function writePage(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (error) {
    throw wrongCommandLine(`--html: ${file} cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** @throws CliError for an endpoint that no person reads */
async function existingReader({ api }: Session, name: string): Promise<EndpointResource> {
  const endpoint = await api.get<EndpointResource>(path`/endpoints/${name}`);
  if (isForPeople(endpoint.format)) return endpoint;
  throw refused(`${name} is a webhook for a system, no reader: endpoint preview ${name} shows what it gets`);
}
