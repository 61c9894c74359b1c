import http from 'node:http';
import pLimit from 'p-limit';
import { cpuOf } from '#test/bench/measurement.ts';
import { spreadOf } from '#test/bench/spread.ts';

/** Requests over kept connections, with nothing but what it takes to read an answer's text. */
export class BareHttp {
  private readonly agent: http.Agent;

  constructor(maxSockets: number) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets });
  }

  /** Sends one request; resolves with the text of its answer. */
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
const rounds = 10;

/**
 * Measures the CPU of a request by this project beside the same one by Node's `http.request` alone. The two take turns,
 * round by round.
 */
export async function besideBare(
  what: string,
  { requests, inFlight }: { readonly requests: number; readonly inFlight: number },
  own: (index: number) => Promise<unknown>,
  bare: (index: number) => Promise<unknown>,
) {
  const indexes = Array.from({ length: requests }, (_, index) => index);
  const cpuOfEach = async (request: (index: number) => Promise<unknown>): Promise<number> =>
    (await cpuOf(() => pLimit(inFlight).map(indexes, request))) / requests;
  const measured: { own: number; bare: number }[] = [];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    // The second may have to collect the garbage of the first.
    const first = round % 2 === 0 ? await cpuOfEach(bare) : undefined;
    const ownCpu = await cpuOfEach(own);
    const bareCpu = first ?? (await cpuOfEach(bare));
    if (round >= 0) measured.push({ own: ownCpu, bare: bareCpu });
  }
  return {
    what,
    rounds: `${rounds} × ${requests}`,
    /** Milliseconds of CPU of a request. */
    own: spreadOf(measured.map((one) => one.own)),
    bare: spreadOf(measured.map((one) => one.bare)),
    ratio: spreadOf(measured.map((one) => one.own / one.bare)),
  };
}
