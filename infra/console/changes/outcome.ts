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
  /** Words of the operator API, in English. */
  readonly said?: string | undefined;
  /** ISO 8601. */
  readonly at: string;
}

/** Longest words of the operator API in an address, in characters: a failed poll tells its problem. */
const longestSaid = 600;

/**
 * Address of a page that says what a change has done, with the time. Only this console can make one: the page believes no
 * other sentence.
 *
 * @param there path and query, such as `/endpoint?name=crm`
 */
export function outcomeAddress(
  request: PageRequest,
  there: string,
  phrase: Phrase,
  values: Values = {},
  { tone = 'good', said }: Partial<Pick<Outcome, 'tone' | 'said'>> = {},
): string {
  const outcome: Outcome = {
    phrase,
    values,
    tone,
    said: said && cut(said, longestSaid),
    at: request.now().toISOString(),
  };
  const text = Buffer.from(JSON.stringify(outcome)).toString('base64url');
  const url = new URL(there, request.url);
  url.searchParams.set('done', `${text}.${proofOf(request, text)}`);
  return `${url.pathname}${url.search}`;
}

/** Says what a change has done, if the address tells it, and has a screen reader begin there; undefined otherwise. */
export function outcomeLine(request: PageRequest): Html | undefined {
  const { words, url } = request;
  const [text = '', proof = ''] = url.searchParams.get('done')?.split('.') ?? [];
  if (text === '' || !isSameSecret(proof, proofOf(request, text))) return undefined;
  const { phrase, values, tone, said, at } = jsonOf(Buffer.from(text, 'base64url').toString()) as Outcome;
  return html`<p class="outcome ${tone}" role="status" tabindex="-1" autofocus>${time(words, at)} ${words.say(phrase, values)}${
    said !== undefined && html` <span lang="en">${said}</span>`
  }</p>`;
}

const proofOf = ({ csrf }: PageRequest, text: string): string =>
  createHmac('sha256', csrf).update(text).digest('base64url');
