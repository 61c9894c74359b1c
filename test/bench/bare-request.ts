import http from 'node:http';
import pLimit from 'p-limit';
import { cpuSoFar } from './bench-child.ts';
import { type Spread, spreadOf } from './spread.ts';

/** CPU of one request as this project makes it, beside the same one by Node's `http.request` and nothing else. */
export interface RequestCpu {
  readonly what: string;
  readonly requests: number;
  readonly rounds: number;
  /** Milliseconds of CPU of a request. */
  readonly own: Spread;
  readonly bare: Spread;
  /** The first in terms of the second, round by round. */
  readonly ratio: Spread;
}

/** Requests over kept connections, the least that an answer's text can be had for. */
export class BareHttp {
  private readonly agent: http.Agent;

  /** @param atOnce connections at most */
  constructor(atOnce: number) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
  }

  /** One request; resolves with the text of its answer. */
  send(url: string, headers: http.OutgoingHttpHeaders, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const request = http.request(url, { method, headers, agent: this.agent }, (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (part: string) => {
            text += part;
          })
          .on('end', () => resolve(text))
          .on('error', reject);
      });
      request.on('error', reject).end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

const warmUpRounds = 3;

/** Makes requests in both ways, taking turns, round by round. */
export async function besideBare(
  what: string,
  { rounds, requests, atOnce }: { readonly rounds: number; readonly requests: number; readonly atOnce: number },
  own: (at: number) => Promise<unknown>,
  bare: (at: number) => Promise<unknown>,
): Promise<RequestCpu> {
  const numbers = Array.from({ length: requests }, (_, index) => index);
  const cpuOf = async (request: (at: number) => Promise<unknown>): Promise<number> => {
    const before = cpuSoFar();
    await pLimit(atOnce).map(numbers, request);
    return (cpuSoFar() - before) / requests;
  };
  const measured: { own: number; bare: number }[] = [];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    // What the first leaves behind, the second may have to collect.
    const first = round % 2 === 0 ? await cpuOf(bare) : undefined;
    const ownCpu = await cpuOf(own);
    const bareCpu = first ?? (await cpuOf(bare));
    if (round >= 0) measured.push({ own: ownCpu, bare: bareCpu });
  }
  return {
    what,
    requests,
    rounds,
    own: spreadOf(measured.map((one) => one.own)),
    bare: spreadOf(measured.map((one) => one.bare)),
    ratio: spreadOf(measured.map((one) => one.own / one.bare)),
  };
}
