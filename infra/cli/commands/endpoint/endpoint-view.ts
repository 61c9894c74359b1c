import type { Reader } from '#functions/webhooks/endpoints/reader.ts';
import type { AttemptResource, EndpointResource, EndpointWithSecret } from '#infra/cli/api/resources.ts';
import { type Column, type Output, statusStyle, timeText } from '#infra/cli/terminal/output.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import { durationText } from '#infra/terminal/durations.ts';
import { endpointCauseWords } from '#infra/terminal/endpoint-cause.ts';

export const columns: readonly Column<EndpointResource>[] = [
  { heading: 'NAME', text: ({ name }) => name },
  { heading: 'STATUS', text: stateOf, style: (endpoint) => statusStyle(stateOf(endpoint)) },
  { heading: 'PROBLEM', text: failuresText },
  { heading: 'FORMAT', text: ({ format }) => format },
  { heading: 'ADDRESS', text: ({ url }) => url },
  { heading: 'TYPES', text: ({ types }) => types.join(', ') },
  { heading: 'DECLARED', text: ({ isDeclared }) => (isDeclared ? 'yes' : undefined) },
];

/** `2 failed attempts since 2026-11-24 12:00:07 UTC`; undefined when the last one succeeded. */
export function failuresText({ failures }: EndpointResource): string | undefined {
  if (!failures) return undefined;
  const { count, since } = failures;
  return `${count} failed ${count === 1 ? 'attempt' : 'attempts'} since ${timeText(since)} UTC`;
}

/** Explains an open or half-open circuit breaker; undefined when it is closed. */
function breakerText({ circuitBreaker }: EndpointResource): string | undefined {
  if (!circuitBreaker) return undefined;
  const { state, openUntil } = circuitBreaker;
  const meaning = state === 'open' ? 'no attempt before' : 'one attempt at a time since';
  return `${state}, ${meaning} ${timeText(openUntil)} UTC`;
}

export function printEndpoint(output: Output, endpoint: EndpointResource, last?: AttemptResource): void {
  const { health, retryDelaysMs, headerNames } = endpoint;
  output.facts([
    ['name', endpoint.name],
    ['status', stateOf(endpoint)],
    ['because', endpoint.disabledBecause],
    [
      'problem',
      failuresText(endpoint) ??
        (health && `failing since ${timeText(health.failingSince)} UTC: ${endpointCauseWords(health.cause)}`),
    ],
    ['circuit breaker', breakerText(endpoint)],
    ['last attempt', last && attemptWords(last)],
    ['what to do', last && attemptRemedy(last)],
    ['address', endpoint.url],
    ['format', endpoint.format],
    ['types', endpoint.types.join(', ')],
    ['mailboxes', endpoint.mailboxes?.join(', ')],
    ['directions', endpoint.directions?.join(', ')],
    ['digests', endpoint.reader && readerText(endpoint.reader)],
    ['headers', headerNames.join(', ')],
    ['retries after', retryDelaysMs.map(durationText).join(', ')],
    ['in flight', `${endpoint.inFlight} of at most ${endpoint.maxInFlight} at a time`],
    ['public key', endpoint.publicKey],
    ['declared', endpoint.isDeclared ? 'in the configuration file' : undefined],
    ['added (UTC)', timeText(endpoint.createdAt)],
  ]);
}

const languageNames = { en: 'English', de: 'German' };

const readerText = ({ language, timeZone, when, urgent, quiet, evenIfEmpty }: Reader): string =>
  [
    `${when} (${timeZone}), in ${languageNames[language]}`,
    urgent.length > 0 && `at once ${urgent.join(', ')}`,
    quiet.length > 0 && `quiet ${quiet.join(', ')}`,
    evenIfEmpty && 'even if empty',
  ]
    .filter(Boolean)
    .join('; ');

/** Prints an endpoint's new secret, which the API shows only once. */
export function printNewEndpoint(output: Output, answer: EndpointWithSecret, done: string): void {
  const { secret, publicKey } = answer;
  output.result(answer, () => {
    output.line(done);
    output.facts(Object.entries({ secret, 'public key': publicKey }));
    if (secret !== undefined) output.warning('the secret is shown this once: put it where the receiver finds it');
  });
}

/** Status; an active endpoint may be `failing`, or `retrying` before that. */
function stateOf({ status, health, failures }: EndpointResource): string {
  if (status !== 'active') return status;
  if (health) return 'failing';
  return failures ? 'retrying' : status;
}
