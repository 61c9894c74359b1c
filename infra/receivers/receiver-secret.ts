import { newSecret, secretProblem } from '#functions/webhooks/http/signature.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';

/** Secret of the signatures; a new one is shown, and one of the environment is not. */
export interface ReceiverSecret {
  readonly text: string;
  readonly isNew: boolean;
}

/** The secret in WEBHOOK_SECRET, or a new one. @throws CliError for an unusable one, without repeating it */
export function receiverSecret({ WEBHOOK_SECRET: text }: NodeJS.ProcessEnv): ReceiverSecret {
  if (!text) return { text: newSecret(), isNew: true };
  const problem = text.startsWith('whsk_') ? 'expected whsec_ before the key' : secretProblem(text);
  if (problem !== undefined) throw wrongCommandLine(`WEBHOOK_SECRET cannot be used: ${problem}`);
  return { text, isNew: false };
}
