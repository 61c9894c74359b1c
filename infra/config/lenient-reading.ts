import type { z } from 'zod';

export interface Mistake {
  /** For example `watches[0].mailbox`. */
  readonly path: string;
  readonly message: string;
  /** Path of the placeholder; undefined for a superfluous field, which was deleted. */
  readonly mended: string | undefined;
}

/** Placeholders for wrong required values by field name; for an element of a list, the one in the list's placeholder. */
const sound: Readonly<Record<string, unknown>> = {
  server: { url: 'https://placeholder.example.com' },
  url: 'https://placeholder.example.com',
  'smtp.url': 'smtps://placeholder.example.com',
  smtp: { url: 'smtps://placeholder.example.com', from: 'placeholder@example.com' },
  from: 'placeholder@example.com',
  name: 'placeholder',
  mailbox: 'placeholder@example.com',
  watches: [{ mailbox: 'placeholder@example.com' }],
  webhooks: [{ name: 'placeholder', url: 'https://placeholder.example.com' }],
  email: 'placeholder@example.com',
  readers: [{ name: 'placeholder', email: 'placeholder@example.com' }],
  urgent: ['transfer.*'],
  quiet: ['sunday'],
  mailboxes: ['placeholder@example.com'],
  types: ['transfer.*'],
  directions: ['sent'],
  follow: ['overdue'],
  retryDelays: ['5m'],
  'operator.listen': 1,
  'metrics.listen': 2,
  id: 'vpc-00000000',
  subnets: ['subnet-00000000'],
};

/** Rounds of checking and mending. Each round reaches values that earlier mistakes hid from the schema. */
const rounds = 6;

/** Finds every mistake: the schema skips checks after one, so it reads the file again with placeholders, as `data`. */
export function readLeniently<Schema extends z.ZodType>(schema: Schema, json: unknown) {
  const copy = { root: structuredClone(json) };
  const mistakes: Mistake[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { data, error } = schema.safeParse(copy.root);
    if (!error) return { mistakes, data };
    // A placeholder that fails a check is no mistake of the file.
    const found = error.issues.map(mistakeOf);
    mistakes.push(...found.filter(({ mended = '' }) => round === 0 || !isWithin(mended, mistakes)));
    for (const issue of error.issues) mend(copy, issue);
  }
  return { mistakes, data: undefined };
}

/** True when a placeholder was put in at a path or around it. */
export const isWithin = (path: string, mistakes: readonly Mistake[]): boolean =>
  mistakes.some(
    ({ mended }) =>
      mended !== undefined && (path === mended || path.startsWith(`${mended}.`) || path.startsWith(`${mended}[`)),
  );

function mistakeOf(issue: z.core.$ZodIssue): Mistake {
  const place = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  const path = place.replace(/^\./, '') || 'the file';
  const choice = choiceOf(issue);
  return {
    path,
    message: issue.message.replace(/^Invalid input: /, ''),
    mended: issue.code === 'unrecognized_keys' ? undefined : choice ? `${path}.${Object.keys(choice)[0]}` : path,
  };
}

/** Settings of which an entry of a list has exactly one; the first has a placeholder. */
const choices: Readonly<Record<string, object>> = {
  webhooks: { url: sound.url, urlFrom: undefined },
  readers: { email: sound.email, endpoint: undefined },
};

/** The choice that an issue about an entry as a whole is about, if any. */
const choiceOf = ({ path, code }: z.core.$ZodIssue): object | undefined =>
  code === 'custom' && typeof path.at(-1) === 'number' ? choices[String(path.at(-2))] : undefined;

type Node = Record<PropertyKey, unknown>;

function mend(copy: { root: unknown }, issue: z.core.$ZodIssue): void {
  const at = (path: readonly PropertyKey[]) =>
    path.reduce<unknown>((node, key) => (node as Node | undefined)?.[key], copy.root);
  const { path, code } = issue;
  const target = at(path);
  if (code === 'unrecognized_keys') {
    for (const key of issue.keys) delete (target as Node)[key];
  } else if (path.length === 0) {
    copy.root = {};
  } else if (choiceOf(issue)) {
    Object.assign(target as Node, choiceOf(issue));
  } else {
    const parent = at(path.slice(0, -1)) as Node;
    const key = path.at(-1)!;
    if (Array.isArray(parent)) parent[key as number] = structuredClone((sound[String(path.at(-2))] as unknown[])[0]);
    else if (parent[key] === undefined)
      parent[key] = structuredClone(sound[path.slice(-2).join('.')] ?? sound[String(key)]);
    else delete parent[key];
  }
}
