import { setTimeout as sleep } from 'node:timers/promises';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { type ApiReader, longTimeoutMs, path } from '#infra/cli/api/client.ts';
import type { EndpointResource, Replayed } from '#infra/cli/api/resources.ts';
import { firstAttempt } from '#infra/cli/commands/endpoint/first-attempt.ts';
import type { Change } from '#infra/console/changes/change.ts';
import { outcomeAddress } from '#infra/console/changes/outcome.ts';
import { shellWord } from '#infra/console/html/elements.ts';
import { html } from '#infra/console/html/html.ts';
import type { PageRequest, Question } from '#infra/console/html/page.ts';
import { deliveryAddress, deliveryIn, readDelivery } from './deliveries.ts';
import { endpointAddress, nameIn, readEndpoint, sectionOf } from './endpoint-words.ts';

/** Changes of webhooks, readers and deliveries that need no input. */
export const endpointChanges: readonly Change[] = [
  {
    path: '/endpoint/test',
    ask: (request) => question(request, 'test'),
    run: sendTest,
  },
  statusChange('pause'),
  statusChange('resume'),
  statusChange('enable'),
  {
    path: '/endpoint/recover',
    async ask(request) {
      // The rest of an earlier part is counted from its cursor.
      const { count, isComplete } = await recovered(request, true);
      const asked = await question(request, 'recover');
      const many = request.words.say(isComplete ? 'endpoint.recover.count' : 'endpoint.recover.count.more', { count });
      return { ...asked, fields: html`<p><strong>${many}</strong></p>` };
    },
    async run(request) {
      const { count, next } = await recovered(request, false);
      const name = nameIn(request.url);
      if (next === undefined) return outcomeAddress(request, endpointAddress(name), 'endpoint.done.recover', { count });
      const rest = `${endpointAddress(name, '/recover')}&${new URLSearchParams({ cursor: next })}`;
      return outcomeAddress(request, rest, 'endpoint.released.part', { count });
    },
  },
  deliveryChange('resend'),
  deliveryChange('cancel'),
];

/** Milliseconds to wait for the answer to a test; a later one is on the page of the delivery. */
const longestWaitMs = 10_000;

/** Sends a test, waits for its first attempt, and leads to its delivery. */
async function sendTest(request: PageRequest): Promise<string> {
  const { api, now, url } = request;
  const name = nameIn(url);
  const sent = await api.send<{ readonly event: string; readonly endpoint: string }>({
    method: 'POST',
    path: path`/endpoints/${name}/test`,
  });
  // No answer is kept: each look is a new one.
  const reader: ApiReader = { get: (address, query) => api.get(address, query, () => 0) };
  const waiting = { api: reader, sleep: (ms: number) => sleep(ms), now, mostMs: longestWaitMs };
  const { delivery } = await firstAttempt(waiting, sent.event, name);
  const there = deliveryAddress(sent);
  if (delivery.status === 'DELIVERED') return outcomeAddress(request, there, 'endpoint.done.test', { name });
  const isTried = (delivery.attempts?.length ?? 0) > 0;
  return outcomeAddress(
    request,
    there,
    isTried ? 'endpoint.test.refused' : 'endpoint.test.open',
    { name },
    { tone: 'warn' },
  );
}

function statusChange(verb: 'pause' | 'resume' | 'enable'): Change {
  return {
    path: `/endpoint/${verb}`,
    ask: (request) => question(request, verb),
    async run(request) {
      const name = nameIn(request.url);
      await request.api.send({ method: 'POST', path: `${path`/endpoints/${name}`}/${verb}` });
      return outcomeAddress(request, endpointAddress(name), `endpoint.done.${verb}`, { name });
    },
  };
}

/** @throws ApiError for an unknown endpoint */
async function question(
  request: PageRequest,
  verb: 'test' | 'pause' | 'resume' | 'enable' | 'recover',
): Promise<Question> {
  const { say } = request.words;
  const endpoint = await readEndpoint(request);
  const { name } = endpoint;
  return {
    title: `${say(`endpoint.${verb}`)}: ${name}`,
    section: sectionOf(endpoint),
    question: say(`endpoint.question.${verb}`, { name }),
    command: `${testOfPeople(verb, endpoint) ? 'notice' : 'endpoint'} ${verb} ${name}`,
    label: say(`endpoint.${verb}`),
    back: endpointAddress(name),
  };
}

const testOfPeople = (verb: string, { format }: EndpointResource): boolean => verb === 'test' && isForPeople(format);

/** Sends what was held, or only counts it; one request may not reach the end. */
function recovered({ api, url }: PageRequest, dryRun: boolean): Promise<Replayed> {
  const cursor = url.searchParams.get('cursor') ?? undefined;
  const body = { dryRun: dryRun || undefined, cursor };
  return api.send({ method: 'POST', path: path`/endpoints/${nameIn(url)}/recover`, body, timeoutMs: longTimeoutMs });
}

function deliveryChange(verb: 'resend' | 'cancel'): Change {
  return {
    path: `/delivery/${verb}`,
    async ask(request) {
      const { say } = request.words;
      const delivery = await readDelivery(request);
      const { event, endpoint } = delivery;
      return {
        title: say(`delivery.${verb}`),
        section: 'webhooks',
        question: say(`delivery.question.${verb}`, { name: endpoint }),
        command: `delivery ${verb} ${shellWord(event)} ${endpoint}`,
        label: say(`delivery.${verb}`),
        back: deliveryAddress(delivery),
      };
    },
    async run(request) {
      const delivery = deliveryIn(request.url);
      const { event, endpoint } = delivery;
      await request.api.send({ method: 'POST', path: `${path`/deliveries/${event}/${endpoint}`}/${verb}` });
      return outcomeAddress(request, deliveryAddress(delivery), `delivery.done.${verb}`, { name: endpoint });
    },
  };
}
