import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import { Connections } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';

/** An address at which an AWS service takes requests. The SDK's client of each would take a tenth of the bundle. */
export interface SignedAddress {
  readonly url: string;
  readonly signer: Pick<SignatureV4, 'sign'>;
}

/** Signs requests to a service with the credentials that the SDK resolved for this function. */
export function signerFor(service: string, { config }: DynamoDBClient): SignatureV4 {
  const { credentials, region, sha256 } = config;
  return new SignatureV4({ service, credentials, region, sha256 });
}

/** Bytes of Lambda's largest answer (6 MB). */
const largestAnswer = 6 * 1024 * 1024;

type Headers = Readonly<Record<string, string>>;

/** Posts a signed request to an AWS service. @throws HttpError when no whole answer comes */
export async function signedPost({ url, signer }: SignedAddress, own: Headers, body: string, timeoutMs: number) {
  const { protocol, host, hostname, pathname: path } = new URL(url);
  const unsigned = { method: 'POST', protocol, hostname, path, headers: { host, ...own }, body };
  const { headers } = await signer.sign(unsigned);
  const answer = await new Connections().send({
    ...{ method: 'POST', url: new URL(url), body, maxBytes: largestAnswer, isRepeatable: false },
    // A kept connection would be closed before the next request.
    headers: { ...headers, connection: 'close' },
    timeoutMs: Math.max(0, timeoutMs),
  });
  if (answer.status === 200 && answer.flaw) throw new HttpError('network');
  return answer;
}

/** Asks SNS by its query API (version 2010-03-31). @returns status and XML @throws as {@link signedPost} does */
export async function askSns(sns: SignedAddress, fields: Readonly<Record<string, string>>, timeoutMs: number) {
  const body = String(new URLSearchParams({ Version: '2010-03-31', ...fields }));
  const answer = await signedPost(sns, { 'content-type': 'application/x-www-form-urlencoded' }, body, timeoutMs);
  const xml = answer.body.toString();
  return { status: answer.status, xml, code: /<Code>(\w+)</.exec(xml)?.[1] ?? `HTTP ${answer.status}` };
}
