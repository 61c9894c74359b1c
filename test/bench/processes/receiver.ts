import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { instant } from '#test/bench/measurement.ts';

/** Milliseconds that `/sleep` takes to answer. */
const sleepMs = 14_000;

/** The webhooks to `/after/…` since the traffic was taken last. */
class Traffic {
  /** First arrivals by `webhook-id`: Unix times in milliseconds with fractions. */
  readonly arrivals = new Map<string, number>();
  readonly answered = new Set<string>();
  /** Requests with an id that had come before. */
  repetitions = 0;
  inFlight = 0;
  mostInFlight = 0;
  /** Time of the last answer. */
  lastAnswerAt = 0;
}

/**
 * Starts a receiver of webhooks that answers by path: `/after/100` after 100 ms, `/healthy…` at once without a record.
 * `/sleep` answers after 14 s, `/drip` a byte a second for ever.
 */
export async function startReceiver() {
  let traffic = new Traffic();
  let waiting: { isOver: () => boolean; resolve: () => void }[] = [];
  const resolveWaiting = () => {
    for (const waiter of waiting) if (waiter.isOver()) waiter.resolve();
    waiting = waiting.filter(({ isOver }) => !isOver());
  };
  const until = (isOver: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      waiting.push({ isOver, resolve });
      resolveWaiting();
    });

  const record = (request: http.IncomingMessage, response: http.ServerResponse) => {
    const own = traffic;
    const id = String(request.headers['webhook-id']);
    if (own.arrivals.has(id)) own.repetitions += 1;
    else own.arrivals.set(id, instant());
    own.inFlight += 1;
    own.mostInFlight = Math.max(own.mostInFlight, own.inFlight);
    response.on('finish', () => {
      own.answered.add(id);
      own.lastAnswerAt = instant();
      resolveWaiting();
    });
    response.on('close', () => {
      own.inFlight -= 1;
    });
    resolveWaiting();
  };
  const server = http.createServer((request, response) => {
    const { url = '' } = request;
    const answer = () => response.writeHead(204).end();
    const answerAfter = (milliseconds: number) => {
      const timer = setTimeout(answer, milliseconds);
      response.on('close', () => clearTimeout(timer));
    };
    request.resume();
    if (url.startsWith('/after/')) {
      const delayMs = Number(url.slice('/after/'.length));
      record(request, response);
      request.on('end', () => (delayMs > 0 ? answerAfter(delayMs) : answer()));
    } else if (url.startsWith('/healthy')) request.on('end', answer);
    else if (url === '/sleep') answerAfter(sleepMs);
    else {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 1000);
      response.on('close', () => clearInterval(timer));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Takes the traffic since the last call. */
    takeTraffic(): Traffic {
      const taken = traffic;
      traffic = new Traffic();
      return taken;
    },
    /** Resolves when a number of different ids have arrived since the traffic was taken last. */
    arrived: (ids: number) => until(() => traffic.arrivals.size >= ids),
    /** Resolves when a number of different ids have been answered since then. */
    answered: (ids: number) => until(() => traffic.answered.size >= ids),
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
