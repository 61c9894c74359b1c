import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { instant } from './bench-child.ts';

/** What has come to `/ok` and `/after/…`. */
export interface Traffic {
  /** When a webhook arrived first, by its `webhook-id`: Unix time in milliseconds with fractions. */
  readonly arrivals: Readonly<Record<string, number>>;
  /** Requests with an id that had come before. */
  readonly repetitions: number;
  /** Requests that were under way at the same time, at most. */
  readonly mostUnderWay: number;
  /** When the last one was answered. */
  readonly lastAnswerAt: number;
}

/** A receiver that answers at once, after a while, or behaves badly, by its paths. */
export interface BenchReceiver {
  readonly url: string;
  /** Since this was asked last. */
  takeTraffic(): Traffic;
  /** Resolves when this many different ids have arrived since the traffic was taken last. */
  arrived(ids: number): Promise<void>;
  /** Resolves when this many different ids have been answered since then. */
  answered(ids: number): Promise<void>;
  close(): void;
}

/** Milliseconds that `/sleep` takes to answer. */
const sleep = 14_000;

/**
 * Starts the receiver: `/ok` and `/healthy…` answer at once, `/after/100` after 100 ms, `/sleep` after 14 s, `/drip` a byte
 * a second for ever.
 */
export async function startBenchReceiver(): Promise<BenchReceiver> {
  const fresh = () => ({
    arrivals: {} as Record<string, number>,
    arrived: 0,
    answered: new Set<string>(),
    repetitions: 0,
    underWay: 0,
    mostUnderWay: 0,
    lastAnswerAt: 0,
  });
  let traffic = fresh();
  let waiting: { isOver: () => boolean; resolve: () => void }[] = [];
  const tellWaiting = () => {
    for (const waiter of waiting) if (waiter.isOver()) waiter.resolve();
    waiting = waiting.filter(({ isOver }) => !isOver());
  };
  const until = (isOver: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      waiting.push({ isOver, resolve });
      tellWaiting();
    });

  const take = (request: http.IncomingMessage, response: http.ServerResponse, delay: number) => {
    const own = traffic;
    const id = String(request.headers['webhook-id']);
    if (own.arrivals[id] === undefined) {
      own.arrivals[id] = instant();
      own.arrived += 1;
    } else {
      own.repetitions += 1;
    }
    own.underWay += 1;
    own.mostUnderWay = Math.max(own.mostUnderWay, own.underWay);
    response.on('finish', () => {
      own.answered.add(id);
      own.lastAnswerAt = instant();
      tellWaiting();
    });
    response.on('close', () => {
      own.underWay -= 1;
    });
    const answer = () => response.writeHead(204).end();
    request.on('end', () => (delay > 0 ? setTimeout(answer, delay) : answer()));
    tellWaiting();
  };
  const server = http.createServer((request, response) => {
    const { url = '' } = request;
    request.resume();
    if (url === '/ok') take(request, response, 0);
    else if (url.startsWith('/after/')) take(request, response, Number(url.slice('/after/'.length)));
    else if (url.startsWith('/healthy')) request.on('end', () => response.writeHead(204).end());
    else if (url === '/sleep') {
      const timer = setTimeout(() => response.writeHead(204).end(), sleep);
      response.on('close', () => clearTimeout(timer));
    } else {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 1000);
      response.on('close', () => clearInterval(timer));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    takeTraffic() {
      const { arrivals, repetitions, mostUnderWay, lastAnswerAt } = traffic;
      traffic = fresh();
      return { arrivals, repetitions, mostUnderWay, lastAnswerAt };
    },
    arrived: (ids) => until(() => traffic.arrived >= ids),
    answered: (ids) => until(() => traffic.answered.size >= ids),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
