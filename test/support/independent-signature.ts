import type { IncomingHttpHeaders } from 'node:http';
import aws4 from 'aws4';

/** A request as it arrived. */
export interface ArrivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Who has signed it. */
export interface Signer {
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
}

/** The header Authorization that a request to Lambda should have, computed by aws4 from the request as it arrived. */
export function independentSignature(
  { method, url, headers, text }: ArrivedRequest,
  { region, credentials }: Signer,
): string {
  const names = /SignedHeaders=([^,]+)/.exec(headers.authorization!)![1]!.split(';');
  const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
  const request = {
    ...{ method, path: url, host: headers.host!, headers: signed, body: text, service: 'lambda', region },
    // The sender of the request adds it later.
    extraHeadersToIgnore: { 'content-length': true },
  };
  const { headers: computed } = aws4.sign(request, { ...credentials });
  return String((computed as Record<string, string>).Authorization);
}
