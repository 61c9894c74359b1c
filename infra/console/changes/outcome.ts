import { createHmac } from 'node:crypto';
import { cut } from '#functions/notices/foreign-text.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { time } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import type { Phrase } from '#infra/console/words/words.ts';
import { isSameSecret } from '#infra/loopback/loopback-guard.ts';

type Values = Readonly<Record<string, string | number>>;

interface Outcome {
  readonly phrase: Phrase;
  readonly values: Values;
  /** `warn` where it was done, but not with the result that one hopes for. */
  readonly tone: 'good' | 'warn';
  /** ISO 8601. */
  readonly at: string;
}

/** Longest value in an address, in characters: a failed poll tells its problem. */
const longestValue = 600;

/**
 * Address of a page that says what a change has done, with the time. Only this console can make one: the page believes no
 * other sentence.
 *
 * @param there path and query, such as `/webhook?name=crm`
 */
export function outcomeAddress(
  request: PageRequest,
  there: string,
  phrase: Phrase,
  values: Values = {},
  tone: Outcome['tone'] = 'good',
): string {
  const short = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'string' ? cut(value, longestValue) : value,
  ]);
  const outcome: Outcome = { phrase, values: Object.fromEntries(short), tone, at: request.now().toISOString() };
  const said = Buffer.from(JSON.stringify(outcome)).toString('base64url');
  const url = new URL(there, request.url);
  url.searchParams.set('done', `${said}.${proofOf(request, said)}`);
  return `${url.pathname}${url.search}`;
}

/** Says what a change has done, if the address tells it, and has a screen reader begin there; undefined otherwise. */
export function outcomeLine(request: PageRequest): Html | undefined {
  const { words, url } = request;
  const [said = '', proof = ''] = url.searchParams.get('done')?.split('.') ?? [];
  if (said === '' || !isSameSecret(proof, proofOf(request, said))) return undefined;
  const { phrase, values, tone, at } = jsonOf(Buffer.from(said, 'base64url').toString()) as Outcome;
  return html`<p class="outcome ${tone}" role="status" tabindex="-1" autofocus>${time(words, at)} ${words.say(phrase, values)}</p>`;
}

const proofOf = ({ csrf }: PageRequest, said: string): string =>
  createHmac('sha256', csrf).update(said).digest('base64url');
