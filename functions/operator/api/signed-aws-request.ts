import type { SignatureV4 } from '@smithy/signature-v4';
import { Connections } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';
import { Problem } from './problem.ts';

/** An address at which an AWS service takes requests. The SDK's client of each would take a tenth of the bundle. */
export interface SignedAddress {
  readonly url: string;
  readonly signer: Pick<SignatureV4, 'sign'>;
}

interface SignedRequest {
  readonly contentType: string;
  readonly body: string;
  readonly timeoutMs: number;
  readonly service: string;
  /** Problem and remedy when the answer comes too late. */
  readonly late: string;
}

/** Bytes of Lambda's largest answer (6 MB). */
const largestAnswer = 6 * 1024 * 1024;

/** Posts a signed request to an AWS service. @throws Problem when no whole answer comes */
export async function signedPost({ url, signer }: SignedAddress, request: SignedRequest) {
  const { contentType, body, timeoutMs, service, late } = request;
  const { protocol, host, hostname, pathname: path } = new URL(url);
  const unsigned = { host, 'content-type': contentType };
  const { headers } = await signer.sign({ method: 'POST', protocol, hostname, path, headers: unsigned, body });
  try {
    const answer = await new Connections().send({
      method: 'POST',
      url: new URL(url),
      // A kept connection would be closed before the next request.
      headers: { ...headers, connection: 'close' },
      body,
      timeoutMs: Math.max(0, timeoutMs),
      maxBytes: largestAnswer,
      isRepeatable: false,
    });
    if (answer.status === 200 && answer.flaw) throw new HttpError('network');
    return answer;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { failure, code = error.message } = error;
    const lost = `${service} cannot be reached (${code}): ask again, and see whether the VPC, if any, has a way to it`;
    throw new Problem(502, failure === 'network' ? lost : late);
  }
}
