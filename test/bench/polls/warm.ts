import { createHmac } from 'node:crypto';
import { eventBody } from '#functions/events/transfer-event.ts';
import { attempt } from '#functions/webhooks/deliveries/attempt.ts';
import { secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { cpuOf } from '#test/bench/measurement.ts';
import type { Services } from '#test/bench/processes/services.ts';
import { type Bench, type Section, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { fine, number, spread, table } from '#test/bench/table.ts';
import { meteredWebhooks } from '#test/bench/units/metered.ts';
import { eventsOf } from '#test/bench/webhooks/events.ts';
import { BareHttp, besideBare } from './bare-request.ts';
import { maxConcurrentPages, pollOnce } from './polling.ts';

const transfers = 1000;
const pollRounds = 10;
const pollsOfRound = 30;
const warmUpPolls = 150;

/** Measures unchanged polls, requests of a listing, and webhooks in a process that has done each often. */
export const warm: Section = {
  name: 'warm',
  what: 'polling and posting until warm',
  async measure(bench) {
    const cpu = spreadOf(await measurePolls(bench));
    const page = await measurePages(bench);
    const webhook = await measurePosts(bench.services);
    const pollRow = ['unchanged, warm', number.format(transfers), `${pollRounds} × ${pollsOfRound}`, spread(cpu)];
    const text = [
      table(['poll', 'transfers', 'rounds', 'CPU ms'], [pollRow], 1),
      table(
        ['one request', 'rounds', 'CPU ms', 'bare http.request', 'ratio'],
        [page, webhook].map(({ what, rounds, own, bare, ratio }) => [
          what,
          rounds,
          fine.format(own.median),
          fine.format(bare.median),
          spread(ratio),
        ]),
      ),
    ].join('\n\n');
    return {
      measured: { poll: cpu, page, webhook },
      tables: [{ id: 'warm', title: 'CPU of what is done again and again: median (least to greatest)', text }],
      figures: [
        time('warm unchanged poll of 1,000: CPU', 6.5, 'ms', cpu),
        time(`${page.what}: CPU`, 1.2, '× bare request', page.ratio),
        time(`${webhook.what}: CPU`, 1.5, '× bare request', webhook.ratio),
      ],
    };
  },
};

/** Milliseconds of CPU of an unchanged poll, round by round. */
async function measurePolls({ services, deps }: Bench): Promise<number[]> {
  const watch = await services.call('fill', 'warm@example.com', transfers);
  const cpuOfEach = async (polls: number): Promise<number> =>
    (await cpuOf(async () => {
      for (let poll = 0; poll < polls; poll += 1) await pollOnce(deps, watch);
    })) / polls;
  await cpuOfEach(warmUpPolls);
  const rounds: number[] = [];
  for (let round = 0; round < pollRounds; round += 1) rounds.push(await cpuOfEach(pollsOfRound));
  return rounds;
}

async function measurePages({ services, server }: Bench) {
  const watch = await services.call('fill', 'pages-cpu@example.com', transfers);
  const bare = new BareHttp(maxConcurrentPages);
  const { url, headers } = server.requestOf(watch, 1);
  try {
    return await besideBare(
      'page of a listing',
      { requests: 300, inFlight: maxConcurrentPages },
      () => server.page(watch, 1),
      () => bare.send(url, headers),
    );
  } finally {
    bare.close();
  }
}

/** Posts to the receiver in the process of the services, so that its CPU is not counted. */
async function measurePosts({ addresses }: Services) {
  const { deps, close } = await meteredWebhooks(addresses);
  const inFlight = 32;
  const bare = new BareHttp(inFlight);
  const url = `${addresses.receiver}/healthy`;
  try {
    const { endpoint } = await addEndpoint(deps, 'ok', { url });
    const secrets = secretsOf(deps.dataKey, endpoint);
    const key = Buffer.from(secrets.secrets[0]!.secret.replace('whsec_', ''), 'base64');
    const requests = 500;
    const events = eventsOf('warm', requests).map((event) => ({ ...event, body: eventBody(event) }));
    return await besideBare(
      'webhook, vetted, signed, judged',
      { requests, inFlight },
      async (index) => {
        const { id, timestamp, body } = events[index]!;
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
      (index) => {
        const { id, body } = events[index]!;
        const seconds = String(Math.floor(Date.now() / 1000));
        const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
        const headers = {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'webhook-id': id,
          'webhook-timestamp': seconds,
          'webhook-signature': `v1,${signature}`,
        };
        return bare.send(url, headers, body);
      },
    );
  } finally {
    bare.close();
    close();
  }
}
