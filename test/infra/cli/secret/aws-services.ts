import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Declared } from '#functions/declare/declare.ts';

/** An error as AWS answers it. */
export interface Refusal {
  readonly name: string;
  readonly message: string;
  /** Operation that is refused, for instance `PutSecretValue`. */
  readonly of: string;
}

const dataKey = 'D'.repeat(43);

/** Secrets Manager with one secret and Lambda with one function, on this machine. */
export class AwsServices {
  static readonly secretName = 'NotifierSecret';
  static readonly functionName = 'Declare';

  /** Text of the secret. */
  secret = JSON.stringify({ DATA_KEY: dataKey });
  /** What the function answers. */
  answer: Declared | { errorType: string; errorMessage: string } = { watches: 1, endpoints: 0, waiting: [] };
  refusal: Refusal | undefined;
  /** Told of each operation before it is answered. */
  onOperation: (operation: string, count: number) => void = () => undefined;
  /** Operations in the order in which they came. */
  readonly operations: string[] = [];
  readonly #server = createServer(
    // Longer than an operator takes to answer a question.
    { keepAliveTimeout: 60_000 },
    (request, response) => void this.#handle(request, response),
  );

  get fields(): Record<string, string> {
    return JSON.parse(this.secret);
  }

  set fields(fields: Record<string, string>) {
    this.secret = JSON.stringify({ DATA_KEY: dataKey, ...fields });
  }

  /** @returns variables by which the SDK finds it */
  async start(): Promise<Record<string, string>> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
      AWS_ENDPOINT_URL_LAMBDA: url,
      AWS_PROFILE: '',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'example',
      AWS_SECRET_ACCESS_KEY: 'example',
      // The configuration of this machine must not count.
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_MAX_ATTEMPTS: '1',
    };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await text(request)) || '{}');
    const target = String(request.headers['x-amz-target'] ?? '');
    const operation = target === '' ? 'Invoke' : target.replace(/^secretsmanager\./, '');
    this.operations.push(operation);
    this.onOperation(operation, this.operations.filter((one) => one === operation).length);
    const { status, content, headers = {} } = this.#answerTo(operation, request.url ?? '', body);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers });
    response.end(JSON.stringify(content));
  }

  #answerTo(
    operation: string,
    path: string,
    body: { SecretId?: string; SecretString?: string },
  ): { status: number; content: object; headers?: Record<string, string> } {
    if (this.refusal?.of === operation) {
      const { name, message } = this.refusal;
      return {
        status: 400,
        content: { __type: name, message, Message: message },
        headers: { 'x-amzn-errortype': name },
      };
    }
    if (operation === 'Invoke') {
      if (path !== `/2015-03-31/functions/${AwsServices.functionName}/invocations`) {
        return notFound(`Function not found: ${path}`);
      }
      const headers = { ...('errorType' in this.answer && { 'x-amz-function-error': 'Unhandled' }) };
      return { status: 200, content: this.answer, headers };
    }
    if (body.SecretId !== AwsServices.secretName) return notFound("Secrets Manager can't find the specified secret.");
    if (operation === 'GetSecretValue') {
      return { status: 200, content: { Name: body.SecretId, SecretString: this.secret, VersionId: 'v' } };
    }
    this.secret = String(body.SecretString);
    return { status: 200, content: { Name: body.SecretId, VersionId: 'w' } };
  }
}

const notFound = (message: string) => ({
  status: 400,
  content: { __type: 'ResourceNotFoundException', message, Message: message },
  headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
});
