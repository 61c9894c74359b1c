import type { Command } from 'commander';
import { variablesIn } from '#functions/webhooks/endpoints/template.ts';
import { type CommonOptions, fromEnvironment } from '#infra/cli/api/session.ts';
import { direction, durations, repeated, several, wholeNumber } from '#infra/cli/terminal/arguments.ts';
import { ApiError, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { readTextFile } from '#infra/config/text-file.ts';

export interface EndpointOptions extends CommonOptions {
  readonly address?: string;
  readonly addressFrom?: string;
  readonly type?: readonly string[];
  readonly mailbox?: readonly string[];
  readonly direction?: readonly string[];
  readonly anyMailbox?: boolean;
  readonly anyDirection?: boolean;
  readonly header?: readonly string[];
  readonly headerFrom?: readonly string[];
  readonly retryDelays?: readonly number[];
  readonly maxInFlight?: number;
  readonly format?: string;
  readonly template?: string;
}

export const withSettings = (command: Command): Command =>
  command
    .option('--address <url>', 'where to post')
    .option('--address-from <variable>', 'environment variable with the address, for a chat, whose address is a secret')
    .option('--type <types>', 'event types, for example transfer.* or watch.failing; may be repeated', several)
    .option('--mailbox <mailboxes>', 'only events of these mailboxes; may be repeated', several)
    .option('--direction <direction>', 'only events of this direction; may be repeated', directions)
    .option('--header <header>', 'further header to send, "Name: value"; may be repeated', repeated)
    .option('--header-from <header>', 'header with a secret value, Name=VARIABLE; may be repeated', repeated)
    .option('--template <file>', 'JSON body with {{placeholders}}; {{NAME}} is the environment variable NAME')
    .option('--retry-delays <delays>', 'time before each retry, for example 5s,5m,1h', durations)
    .option('--max-in-flight <n>', 'most requests in flight at the same time', wholeNumber(1, 100));

const directions = (text: string, before: readonly string[] = []): string[] => [...before, direction(text)];

/** Settings in the operator API's form. @throws CliError for contradictory options, bad headers, missing variables */
export function settingsOf(context: CliContext, options: EndpointOptions) {
  const { address, addressFrom, header = [], headerFrom = [], type, mailbox, direction } = options;
  if (address !== undefined && addressFrom !== undefined) {
    throw wrongCommandLine('got --address and --address-from, expected one of them');
  }
  const url = addressFrom === undefined ? address : fromEnvironment(context, '--address-from', addressFrom);
  const headers = Object.fromEntries([
    ...header.map((text) => pair(text, ':', '--header', 'Name: value')),
    ...headerFrom.map((text) => {
      const [name, variable] = pair(text, '=', '--header-from', 'Name=VARIABLE');
      return [name, fromEnvironment(context, '--header-from', variable)] as const;
    }),
  ]);
  return {
    ...templateOf(context, options.template),
    url,
    types: type,
    // Null removes the filter.
    mailboxes: options.anyMailbox ? null : mailbox,
    directions: options.anyDirection ? null : direction,
    headers: Object.keys(headers).length > 0 ? headers : undefined,
    retryDelaysMs: options.retryDelays,
    maxInFlight: options.maxInFlight,
    format: options.format,
  };
}

/** Reads a template, and the environment variables that it names. */
function templateOf(context: CliContext, file: string | undefined) {
  if (file === undefined) return {};
  let template: unknown;
  try {
    template = JSON.parse(readTextFile(file));
  } catch (error) {
    throw wrongCommandLine(`--template: ${file} cannot be used, expected JSON (${(error as Error).message})`);
  }
  const named = variablesIn(template).map((name) => [name, fromEnvironment(context, '--template', name)]);
  return { template, variables: Object.fromEntries(named) as Record<string, string> };
}

/** Options by the operator API's names of their fields. */
const optionNames: Readonly<Record<string, string>> = {
  url: '--address',
  types: '--type',
  mailboxes: '--mailbox',
  directions: '--direction',
  headers: '--header',
  template: '--template',
  variables: '--template',
  retryDelaysMs: '--retry-delays',
  maxInFlight: '--max-in-flight',
  format: '--format',
  secret: '--secret-from',
};

/** Replaces the operator API's fields in a refusal by options. @param address sent with the request @throws ApiError */
export async function asOptions<T>(asked: Promise<T>, address: string | undefined): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) throw error;
    const named = error.message.replace(/^( *)(\w+)((?:\.[^:\s]+)?): /gm, (all, indent, field, rest) => {
      const option = optionNames[field];
      if (option === undefined) return all;
      return `${indent}${option}${field === 'headers' || field === 'template' ? rest.replace('.', ' ') : ''}: `;
    });
    const isClear = URL.parse(address ?? '')?.protocol === 'http:';
    const isPrivate = isClear ? /^ *--address: /m.test(named) : /^ *--address: .*public internet/m.test(named);
    throw new ApiError(error.status, isPrivate ? `${named}\n${orAllowed}` : named);
  }
}

const orAllowed =
  'for a receiver on this machine or in a private network, start the local run with --allow-private-webhooks: npm start -- --config FILE --allow-private-webhooks';

/** Splits a pair. The error repeats no value, since it may be secret. */
function pair(text: string, separator: string, option: string, form: string): readonly [string, string] {
  const at = text.indexOf(separator);
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  throw wrongCommandLine(`${option}: expected ${form}`);
}
