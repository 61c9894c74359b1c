import type { SignatureV4 } from '@smithy/signature-v4';
import { Connections } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';

/** An address at which an AWS service takes requests. The SDK's client of each would take a tenth of the bundle. */
export interface SignedAddress {
  readonly url: string;
  readonly signer: Pick<SignatureV4, 'sign'>;
}

/** Bytes of Lambda's largest answer (6 MB). */
const largestAnswer = 6 * 1024 * 1024;

/**
 * Posts a signed request to an AWS service.
 *
 * @param timeout milliseconds to wait
 * @throws HttpError when no whole answer comes
 */
export async function signedPost({ url, signer }: SignedAddress, contentType: string, body: string, timeout: number) {
  const { protocol, host, hostname, port, pathname } = new URL(url);
  const { headers } = await signer.sign({
    method: 'POST',
    protocol,
    hostname,
    ...(port && { port: Number(port) }),
    path: pathname,
    headers: { host, 'content-type': contentType },
    body,
  });
  // The client sets the same host. A kept connection would be closed before the next request.
  const { host: _, ...signed } = headers;
  const answer = await new Connections().send({
    method: 'POST',
    url: new URL(url),
    headers: { ...signed, connection: 'close' },
    body,
    timeoutMs: Math.max(0, timeout),
    maxBytes: largestAnswer,
    isRepeatable: false,
  });
  if (answer.status === 200 && answer.flaw) throw new HttpError('network');
  return answer;
}
