import { createHmac } from 'node:crypto';
import { eventBody } from '#functions/events/transfer-event.ts';
import type { PollDependencies } from '#functions/poll/dependencies.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { attempt } from '#functions/webhooks/deliveries/attempt.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { secretsOf } from '#functions/webhooks/endpoints/secrets.ts';
import { BareHttp, besideBare, type RequestCpu } from './bare-request.ts';
import { cpuSoFar } from './bench-child.ts';
import { eventsOf } from './bench-events.ts';
import type { PlainServer } from './plain-listing.ts';
import { maxConcurrentPages } from './polling.ts';
import type { Services } from './services.ts';
import { type Spread, spreadOf } from './spread.ts';
import { meteredWebhooks } from './webhook-dependencies.ts';

/** CPU of what is done again and again, in a process that has done it often. */
export interface WarmCpu {
  readonly poll: {
    readonly transfers: number;
    /** Polls in each round, one after the other. */
    readonly polls: number;
    readonly rounds: number;
    /** Milliseconds of CPU of an unchanged poll. */
    readonly cpu: Spread;
  };
  readonly requests: readonly RequestCpu[];
}

const transfers = 1000;
const pollRounds = 10;
const pollsOfRound = 30;
const warmUpPolls = 150;

/** Milliseconds that a poll may take here. */
const budget = 60_000;

/** Measures unchanged polls, requests of a listing, and webhooks, the latter two beside Node's bare `http.request`. */
export async function measureWarmCpu(
  services: Services,
  deps: PollDependencies,
  server: PlainServer,
): Promise<WarmCpu> {
  const poll = await measurePolls(services, deps);
  return { poll, requests: [await measurePages(services, server), await measurePosts(services)] };
}

async function measurePolls(services: Services, deps: PollDependencies): Promise<WarmCpu['poll']> {
  const watch = await services.fill('warm@example.com', transfers);
  const poll = async () => {
    const deadline = deps.now().getTime() + budget;
    const { problem } = await pollWatch(deps, watch, { notifyExisting: false, scope: 'all', deadline });
    if (problem) throw new Error(problem.message);
  };
  const several = async (count: number): Promise<number> => {
    const before = cpuSoFar();
    for (let index = 0; index < count; index += 1) await poll();
    return (cpuSoFar() - before) / count;
  };
  await several(warmUpPolls);
  const rounds: number[] = [];
  for (let round = 0; round < pollRounds; round += 1) rounds.push(await several(pollsOfRound));
  return { transfers, polls: pollsOfRound, rounds: pollRounds, cpu: spreadOf(rounds) };
}

async function measurePages(services: Services, server: PlainServer): Promise<RequestCpu> {
  const watch = await services.fill('pages-cpu@example.com', transfers);
  const atOnce = maxConcurrentPages;
  const bare = new BareHttp(atOnce);
  const { url, headers } = server.requestOf(watch, 1);
  try {
    return await besideBare(
      'page of a listing',
      { rounds: 10, requests: 300, atOnce },
      () => server.page(watch, 1),
      () => bare.send(url, headers),
    );
  } finally {
    bare.close();
  }
}

/** Posts to the receiver in the process of the services, so that its CPU is not counted. */
async function measurePosts({ addresses }: Services): Promise<RequestCpu> {
  const { deps, close } = await meteredWebhooks(addresses);
  const atOnce = 32;
  const bare = new BareHttp(atOnce);
  const url = `${addresses.receiver}/healthy`;
  try {
    const { endpoint } = await addEndpoint(deps, 'ok', { url });
    const secrets = secretsOf(deps.dataKey, endpoint);
    const key = Buffer.from(secrets.secrets[0]!.secret.replace('whsec_', ''), 'base64');
    const requests = 500;
    const events = eventsOf('warm', requests).map((event) => ({ ...event, body: eventBody(event) }));
    return await besideBare(
      'webhook, vetted, signed, judged',
      { rounds: 10, requests, atOnce },
      async (at) => {
        const { id, timestamp, body } = events[at]!;
        const delivery = {
          event: id,
          endpoint: 'ok',
          endpointSince: endpoint.createdAt,
          eventAt: timestamp,
          body,
          rev: 0,
          status: 'PENDING',
          attempt: 0,
          nextAttemptAt: 0,
        } as const;
        const { outcome } = await attempt(deps, endpoint, secrets, delivery);
        if (outcome.kind !== 'delivered') throw new Error('a webhook was not taken');
      },
      (at) => {
        const { id, body } = events[at]!;
        const time = String(Math.floor(Date.now() / 1000));
        const signature = createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64');
        return bare.send(
          url,
          {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'webhook-id': id,
            'webhook-timestamp': time,
            'webhook-signature': `v1,${signature}`,
          },
          body,
        );
      },
    );
  } finally {
    bare.close();
    close();
  }
}
