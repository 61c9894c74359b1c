import { randomBytes, randomUUID } from 'node:crypto';
import http from 'node:http';
import { json } from 'node:stream/consumers';
import { arn } from './aws-request.ts';
import { listenOnLoopback } from './loopback-server.ts';

/** What a template says of a secret that Secrets Manager is to make up. */
export interface GenerateSecretString {
  readonly SecretStringTemplate: string;
  readonly GenerateStringKey: string;
  readonly PasswordLength: number;
  readonly ExcludePunctuation: true;
}

/** Secrets Manager over real HTTP on this machine, as far as functions and operators use it. */
export interface SecretsManager {
  readonly url: string;
  /**
   * Creates a secret as CloudFormation would have it created.
   *
   * @returns its ARN
   */
  create(name: string, generate: GenerateSecretString): string;
  close(): Promise<void>;
}

const lettersAndDigits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

interface Input {
  readonly SecretId: string;
  readonly SecretString?: string;
}

export async function startSecretsManager(): Promise<SecretsManager> {
  const secrets = new Map<string, string>();
  const answerTo = (
    operation: string | undefined,
    { SecretId, SecretString }: Input,
  ): [status: number, body: object] => {
    const current = secrets.get(SecretId);
    if (current === undefined) return [400, { __type: 'ResourceNotFoundException', message: 'no such secret' }];
    const version = { ARN: SecretId, VersionId: randomUUID(), VersionStages: ['AWSCURRENT'] };
    switch (operation) {
      case 'GetSecretValue':
        return [200, { ...version, SecretString: current, CreatedDate: Date.now() / 1000 }];
      case 'PutSecretValue':
        secrets.set(SecretId, SecretString ?? '');
        return [200, version];
      default:
        return [400, { __type: 'UnknownOperationException', message: `no operation ${operation}` }];
    }
  };
  const server = http.createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1);
    const [status, body] = answerTo(operation, (await json(request)) as Input);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  });
  const { port, close } = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    create(name, { SecretStringTemplate, GenerateStringKey, PasswordLength }) {
      const secretArn = arn('secretsmanager', `secret:${name}-AbCdEf`);
      const generated = { [GenerateStringKey]: password(PasswordLength) };
      secrets.set(secretArn, JSON.stringify({ ...JSON.parse(SecretStringTemplate), ...generated }));
      return secretArn;
    },
    close,
  };
}

const password = (length: number): string =>
  [...randomBytes(length)].map((byte) => lettersAndDigits[byte % lettersAndDigits.length]).join('');
