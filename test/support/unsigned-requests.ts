import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

/**
 * Settings of SDK clients for the embedded services, which look at a request's access key and at no signature. A call
 * takes less time without one, without a copy of its data for an unused log, and with middleware put together once.
 */
export const unsignedRequests = (accessKeyId: string, region: string) =>
  ({
    signer: async (scheme?: { readonly signingName: string }) => ({
      async sign<Request>(request: Request) {
        const { headers } = request as { readonly headers: Record<string, string> };
        const credential = `${accessKeyId}/${day}/${region}/${scheme?.signingName ?? 'any'}/aws4_request`;
        headers['x-amz-date'] = `${day}T000000Z`;
        headers.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`;
        return request;
      },
    }),
    logger: { warn() {}, error() {} } as unknown as NonNullable<DynamoDBClientConfig['logger']>,
    cacheMiddleware: true,
  }) satisfies Pick<DynamoDBClientConfig, 'signer' | 'logger' | 'cacheMiddleware'>;

/** A part of every SDK client. */
interface Client {
  readonly middlewareStack: Record<'add' | 'addRelativeTo' | 'remove', (...change: never[]) => unknown>;
}

/** Has a client send no header with its own name and version, and apply middleware that tests add or remove later. */
export function trimClient(client: Client): void {
  const { middlewareStack } = client;
  middlewareStack.remove('getUserAgentMiddleware' as never);
  for (const kind of ['add', 'addRelativeTo', 'remove'] as const) {
    const change = middlewareStack[kind];
    middlewareStack[kind] = (...what) => {
      // What `cacheMiddleware` keeps.
      Object.assign(client, { handlers: undefined });
      return change(...what);
    };
  }
}

/** The day on which requests say that they were signed. */
const day = '20260101';
