import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';

/** A server's answer as it came, redirects included: none is ever followed. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Decoded as UTF-8. */
  readonly body: string;
}

/** A request: a GET, or a POST when it has a body. */
export interface ServerRequest {
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. */
  readonly body?: object | undefined;
  /** Ends the request when it aborts, with the signal's reason. */
  readonly cut?: AbortSignal;
}

/** Thrown when a server sends more than it may. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';
}

/** Connections to one server, kept open between requests. */
export class Connection {
  private readonly origin: string;
  private readonly agent: http.Agent;

  /**
   * @param origin for example `https://cryptshare.example.com`
   * @param ca certificates in PEM to trust for this server beside the public ones
   */
  constructor(origin: string, ca?: string) {
    this.origin = origin;
    this.agent = origin.startsWith('https:')
      ? new https.Agent({ keepAlive: true, ...(ca && { ca: [...tls.getCACertificates('default'), ca] }) })
      : new http.Agent({ keepAlive: true });
  }

  /**
   * One request, answered within `timeout` milliseconds or rejected with a `TimeoutError`.
   *
   * @param maxBytes of the body; beyond it {@link AnswerTooLargeError} is thrown
   * @throws the network's or TLS's own error when the server cannot be reached
   */
  async send(request: ServerRequest, timeout: number, maxBytes: number): Promise<Answer> {
    const signal = AbortSignal.timeout(timeout);
    try {
      return await this.exchange(request, signal, maxBytes);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  private exchange(
    { path, headers, body, cut }: ServerRequest,
    signal: AbortSignal,
    maxBytes: number,
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const client = this.origin.startsWith('https:') ? https : http;
    const options: http.RequestOptions = {
      agent: this.agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      signal,
    };
    const request = client.request(`${this.origin}${path}`, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) request.destroy(new AnswerTooLargeError(`the answer has more than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
      response.on('error', reject);
      response.on('close', () => reject(new Error('the connection closed in the middle of the answer')));
    });
    request.on('error', reject);
    cut?.addEventListener('abort', () => request.destroy(cut.reason), { once: true });
    // Nobody asked to switch protocols; Node would hand the connection over and say no more.
    request.on('upgrade', () => request.destroy(new Error('the server wants another protocol')));
    request.on('close', () => reject(new Error('the connection closed without an answer')));
    request.end(body && JSON.stringify(body));
    return promise;
  }

  /** Ends the kept connections. */
  close(): void {
    this.agent.destroy();
  }
}
