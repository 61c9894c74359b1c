import { newSecret, secretProblem } from '#functions/webhooks/http/signature.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';

/** Secret of the signatures; a new one is shown, and one of the environment is not. */
export interface ReceiverSecret {
  readonly text: string;
  readonly isNew: boolean;
}

/** The secret in WEBHOOK_SECRET, or a new one. @throws CliError for an unusable one, without repeating it */
export function receiverSecret({ WEBHOOK_SECRET: text }: NodeJS.ProcessEnv): ReceiverSecret {
  return text ? { text: usable(text), isNew: false } : { text: newSecret(), isNew: true };
}

/** The secret in WEBHOOK_SECRET, or from a hidden question. @throws CliError for none or an unusable one */
export async function knownSecret({ environment, prompts }: CliContext): Promise<string> {
  const text = environment.WEBHOOK_SECRET || (await prompts?.secret('Secret of the receiver (whsec_…):'))?.trim();
  if (text) return usable(text);
  throw wrongCommandLine('no secret: set the environment variable WEBHOOK_SECRET to whsec_…');
}

function usable(text: string): string {
  const problem = text.startsWith('whsec_') ? secretProblem(text) : 'expected whsec_ before the key';
  if (problem === undefined) return text;
  throw wrongCommandLine(`the secret cannot be used: ${problem}`);
}
