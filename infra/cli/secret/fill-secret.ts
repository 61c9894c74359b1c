import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Fields } from '#functions/lambda/environment.ts';
import { FillSecretError } from './failure.ts';
import type { SecretField } from './fields.ts';
import { declaredLines, takeUp } from './redeclare.ts';
import { StoredSecret } from './stored-secret.ts';

export type Ask = (question: string) => Promise<string>;

export interface FillSecretDependencies {
  readonly secrets: SecretsManagerClient;
  readonly lambda: LambdaClient;
  /** Answers by field name, in place of questions. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Undefined without a terminal. */
  readonly ask: Ask | undefined;
  /** Prints a line for people. The only secret it gets is a signing secret made just now. */
  readonly print: (line: string) => void;
}

export interface FillSecretRequest {
  /** Name or ARN of the secret. */
  readonly secret: string;
  /** Name of the function that declares watches and endpoints. */
  readonly declare: string;
  readonly fields: readonly SecretField[];
}

/** Answer that replaces a signing secret with a new one. */
const makeAnother = 'new';

/** Decision about a field: keep its value, take the given one, or make one. */
type Answer = { readonly kind: 'kept' } | { readonly kind: 'brought' | 'made'; readonly value: string };

/**
 * Fills the secret with what the configuration needs, then declares watches and endpoints anew. Keeps unknown fields.
 *
 * @returns true when everything declared is ready
 * @throws FillSecretError
 */
export async function fillSecret(deps: FillSecretDependencies, request: FillSecretRequest): Promise<boolean> {
  const { fields } = request;
  const secret = new StoredSecret(deps.secrets, request.secret);
  const known = await secret.read();
  const answers = await answersTo(deps, fields, known);
  // Secrets Manager has no conditional write. A second read keeps most of what other operators wrote since.
  const latest = await secret.read();
  const changes = changesTo(latest, known, answers);
  const filled = { ...latest, ...changes };
  if (fields.some(({ name, problemWith }) => problemWith(filled[name] ?? '') !== undefined)) {
    throw new FillSecretError(`the secret ${request.secret} was changed in between: run this again`);
  }
  const names = Object.keys(changes);
  if (names.length > 0) await secret.write(filled);
  deps.print(
    names.length > 0
      ? `secret ${request.secret}: filled ${names.join(', ')}; functions take it up within five minutes`
      : `secret ${request.secret}: has everything already, nothing was written`,
  );
  for (const { name, meaning } of fields) {
    if (names.includes(name) && answers.get(name)?.kind === 'made') {
      deps.print(`${name}, new ${meaning}, shown this once: ${changes[name]}`);
    }
  }
  const declared = await takeUp(deps.lambda, request.declare);
  for (const line of declaredLines(declared)) deps.print(line);
  return declared.waiting.length === 0;
}

/** Checks the environment first, so that the operator types nothing if a variable is wrong. */
async function answersTo(
  { environment, ask, print }: FillSecretDependencies,
  fields: readonly SecretField[],
  known: Fields,
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
    } else if (ask) toAsk.push(field);
    else if (isKeepable(field, known[name])) answers.set(name, { kind: 'kept' });
    else problems.push(`${name}: expected in the environment, as there is no terminal to ask on: the ${meaning}`);
  }
  if (problems.length > 0) throw new FillSecretError(`the environment cannot be used:\n  ${problems.join('\n  ')}`);
  for (const field of toAsk) answers.set(field.name, await asked(ask!, print, field, known[field.name]));
  return answers;
}

async function asked(
  ask: Ask,
  print: (line: string) => void,
  field: SecretField,
  known: string | undefined,
): Promise<Answer> {
  for (;;) {
    const answer = answerOf(field, await ask(`${field.name}, ${field.meaning}${hint(field, known)}:`), known);
    if (typeof answer !== 'string') return answer;
    print(`${field.name}: ${answer}`);
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
  if (value === '' && isKeepable(field, known)) return { kind: 'kept' };
  if (make && (value === '' || value === makeAnother)) return { kind: 'made', value: make() };
  return problemWith(value) ?? { kind: 'brought', value };
}

const isKeepable = ({ problemWith }: SecretField, known: string | undefined): boolean =>
  known !== undefined && problemWith(known) === undefined;

function changesTo(latest: Fields, known: Fields, answers: ReadonlyMap<string, Answer>): Fields {
  const changes: Record<string, string> = {};
  for (const [name, answer] of answers) {
    if (answer.kind === 'kept' || latest[name] === answer.value) continue;
    // Another operator has made one since the first read, and may have handed it on.
    if (answer.kind === 'made' && latest[name] !== known[name]) continue;
    changes[name] = answer.value;
  }
  return changes;
}
