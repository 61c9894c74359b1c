import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A Secrets Manager on this machine with one secret. */
export interface SecretsManager {
  readonly url: string;
  /** The secret's text; undefined while there is none, which is answered as the real one does. */
  secret: string | undefined;
  /** Calls so far, by their names. */
  readonly calls: string[];
  close(): Promise<void>;
}

/** Starts it; it answers `GetSecretValue` and `PutSecretValue` by the JSON protocol of the real one. */
export async function startSecretsManager(secret?: string): Promise<SecretsManager> {
  const server = http.createServer(async (request, response) => {
    const call = String(request.headers['x-amz-target']).replace('secretsmanager.', '');
    const { SecretString } = JSON.parse(await text(request));
    manager.calls.push(call);
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    if (manager.secret === undefined) answer(400, { __type: 'ResourceNotFoundException', message: 'no such secret' });
    else if (call === 'GetSecretValue') answer(200, { SecretString: manager.secret });
    else {
      manager.secret = SecretString;
      answer(200, {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const manager: SecretsManager = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secret,
    calls: [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return manager;
}
