import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Fields } from '#functions/lambda/environment.ts';
import { outputOf } from '#infra/cli/api/session.ts';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { Output } from '#infra/cli/terminal/output.ts';
import { isLeft, type Prompts } from '#infra/cli/terminal/prompts.ts';
import { type Config, ConfigError } from '#infra/config/config.ts';
import { loadDeployableConfig } from '#infra/config/deployment-check.ts';
import { type SecretField, secretFields } from './fields.ts';
import { declaredLines, redeclare } from './redeclare.ts';
import { readSecret, writeSecret } from './stored-secret.ts';

export interface FillSecretOptions {
  /** Name or ARN of the secret. */
  readonly secret: string;
  /** Name or ARN of the function that declares watches and endpoints. */
  readonly declare: string;
  /** File of the configuration that was deployed. */
  readonly config: string;
  readonly json?: boolean;
}

/** Answer that replaces a signing secret with a new one. */
const makeAnother = 'new';

/** A value for a field; undefined to keep the one it has. */
type Answer = { readonly value: string; readonly isMade: boolean } | undefined;

/** Fills the secret, keeps unknown fields, then declares all anew. @returns true when all is ready @throws CliError */
export async function fillSecret(context: CliContext, options: FillSecretOptions): Promise<boolean> {
  const { secret, declare } = options;
  const output = outputOf(context, options);
  const fields = secretFields(deployedConfig(options.config));
  const client = new SecretsManagerClient({});
  const known = await readSecret(client, secret);
  const answers = await answersTo(context, fields, known, output);
  // Secrets Manager has no conditional write. A second read keeps most of what other operators wrote since.
  const latest = await readSecret(client, secret);
  const changes = changesTo(latest, known, answers);
  const filled = { ...latest, ...changes };
  if (fields.some(({ name, problemWith }) => problemWith(filled[name] ?? '') !== undefined)) {
    throw refused(`the secret ${secret} was changed in between: run this again`);
  }
  const names = Object.keys(changes);
  if (names.length > 0) await writeSecret(client, secret, filled);
  // Shown before the function is invoked: if that fails, a signing secret made just now would be lost.
  const made = fields.filter(({ name }) => names.includes(name) && answers.get(name)?.isMade);
  output.item({ secret, filled: names, made: Object.fromEntries(made.map(({ name }) => [name, filled[name]])) }, () =>
    [
      names.length > 0
        ? `secret ${secret}: filled ${names.join(', ')}; functions take it up within five minutes`
        : `secret ${secret}: has everything already, nothing was written`,
      ...made.map(({ name, meaning }) => `${name}, new ${meaning}, shown this once: ${filled[name]}`),
    ].join('\n'),
  );
  const declared = await redeclare(new LambdaClient({}), declare);
  output.item(declared, () => declaredLines(declared).join('\n'));
  return declared.waiting.length === 0;
}

function deployedConfig(file: string): Config {
  try {
    return loadDeployableConfig(file);
  } catch (error) {
    throw error instanceof ConfigError ? wrongCommandLine(error.message) : error;
  }
}

/** Checks the environment first, so that the operator types nothing if a variable is wrong. */
async function answersTo(
  { environment, prompts }: CliContext,
  fields: readonly SecretField[],
  known: Fields,
  output: Output,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  const problems: string[] = [];
  const toAsk: SecretField[] = [];
  for (const field of fields) {
    const { name, meaning } = field;
    const given = environment[name];
    if (given !== undefined) {
      const answer = answerOf(field, given, known[name]);
      if (typeof answer === 'string') problems.push(`${name}: ${answer}: set the variable to the ${meaning}`);
      else answers.set(name, answer);
    } else if (prompts) toAsk.push(field);
    else if (!isKeepable(field, known[name]))
      problems.push(`${name}: expected in the environment, as there is no terminal to ask on: the ${meaning}`);
  }
  if (problems.length > 0) throw refused(`the environment cannot be used:\n  ${problems.join('\n  ')}`);
  for (const field of toAsk) answers.set(field.name, await answerTo(prompts!, field, known[field.name], output));
  return answers;
}

/** Asks until an answer can be used. */
async function answerTo(
  prompts: Prompts,
  field: SecretField,
  known: string | undefined,
  output: Output,
): Promise<Answer> {
  for (;;) {
    const text = await prompts.secret(`${field.name}, ${field.meaning}${hint(field, known)}:`).catch((error: Error) => {
      throw isLeft(error) ? refused('stopped, nothing was written') : error;
    });
    const answer = answerOf(field, text, known);
    if (typeof answer !== 'string') return answer;
    output.warning(`${field.name}: ${answer}`);
  }
}

function hint(field: SecretField, known: string | undefined): string {
  if (!isKeepable(field, known)) return field.make ? ' (Enter makes one)' : '';
  return field.make ? ` (Enter keeps it, ${makeAnother} makes another)` : ' (Enter keeps it)';
}

/** Decision for an answer, or the problem with it. */
function answerOf(field: SecretField, text: string, known: string | undefined): Answer | string {
  const { problemWith, make } = field;
  const value = text.trim();
  if (value === '' && isKeepable(field, known)) return undefined;
  if (make && (value === '' || value === makeAnother)) return { value: make(), isMade: true };
  return problemWith(value) ?? { value, isMade: false };
}

const isKeepable = ({ problemWith }: SecretField, known: string | undefined): boolean =>
  known !== undefined && problemWith(known) === undefined;

function changesTo(latest: Fields, known: Fields, answers: ReadonlyMap<string, Answer>): Fields {
  const changes: Record<string, string> = {};
  for (const [name, answer] of answers) {
    if (!answer || latest[name] === answer.value) continue;
    // Another operator has made one since the first read, and may have handed it on.
    if (answer.isMade && latest[name] !== known[name]) continue;
    changes[name] = answer.value;
  }
  return changes;
}
