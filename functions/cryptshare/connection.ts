import tls from 'node:tls';
import { Connections, encodingOf, type Flaw, type HttpRequest } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';
import { proxyFor } from '#functions/http/proxy.ts';
import { readProxySettings } from '#functions/lambda/environment.ts';
import { withoutMark } from '#functions/parsing/byte-order-mark.ts';
import { type Answer, CryptshareFailure, type FailureCause } from './failure.ts';

/** A GET, or a POST of a body as JSON. Its cancellation cuts it off, as if its time were up. */
interface ServerRequest extends Pick<HttpRequest, 'headers' | 'cancellation'> {
  readonly path: string;
  readonly body?: object | undefined;
}

const utf8 = new TextDecoder();

export type Connection = ReturnType<typeof connectionTo>;

/** Connections to one server, kept open for a few seconds. @param ca PEM of certificates to trust beside public ones */
export function connectionTo(origin: string, ca?: string, proxies = readProxySettings()) {
  const url = new URL(origin);
  // OpenSSL finds no certificate after a byte order mark.
  const connections = new Connections(ca && [...tls.getCACertificates('default'), withoutMark(ca)]);

  /**
   * Sends a request; its answer must be complete within `timeoutMs`, with a body of at most `maxBytes`. @throws
   * HttpError without an answer, CryptshareFailure for a body that cannot be read though the meaning of the answer
   * depends on it
   */
  async function send({ headers, body, ...call }: ServerRequest, timeoutMs: number, maxBytes: number): Promise<Answer> {
    const isGet = body === undefined;
    // A listing must be current: no cache on the way may answer.
    const header = isGet ? { 'cache-control': 'no-cache, no-store' } : { 'content-type': 'application/json' };
    const request = {
      ...{ ...call, url, timeoutMs, maxBytes },
      method: isGet ? 'GET' : 'POST',
      headers: { ...headers, ...header },
      body: body && JSON.stringify(body),
      // A repeated verification could send a second mail.
      isRepeatable: isGet,
      proxy: proxyFor(url, proxies),
    };
    const answer = await connections.send(request).catch((error: Error) => {
      throw call.cancellation?.isCancelled ? new HttpError('timeout') : error;
    });
    const { status, flaw } = answer;
    if (flaw && !speaksForItself(status)) {
      // The cancellation caused the flaw, not the server.
      if (call.cancellation?.isCancelled) throw new HttpError('timeout');
      const failures: Record<Flaw, readonly [FailureCause, what: string]> = {
        encoded: ['malformed_answer', `content-encoding ${encodingOf(answer)}, though none was requested`],
        too_large: ['answer_too_large', `more than ${maxBytes} bytes`],
        cut_off: ['server_fault', `cut off after ${answer.body.length} bytes`],
        late: ['timeout', `not complete after ${Math.round(timeoutMs / 1000)} s`],
      };
      const [cause, what] = failures[flaw];
      throw new CryptshareFailure(cause, `HTTP ${status}, ${what}`);
    }
    return { status, headers: answer.headers, body: flaw ? '' : utf8.decode(answer.body) };
  }

  return { send, close: () => connections.close() };
}

/** Statuses that mean the same whatever their body. */
const speaksForItself = (status: number): boolean =>
  (status >= 300 && status < 400) || status === 401 || status === 429 || status >= 500;
