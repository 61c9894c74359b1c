import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Template } from 'aws-cdk-lib/assertions';
import { taskFolder } from '#infra/constructs/bundle.ts';
import type { sdkSettings } from '#test/support/sdk-settings.ts';
import { Arrivals } from './arrivals.ts';
import { arn, type Service } from './aws-request.ts';
import { type IamProxy, startIamProxy } from './iam-proxy.ts';
import { startLambdaRuntime } from './lambda-runtime.ts';
import { statementsOf } from './role-policy.ts';
import { type DeployableFunction, propertiesOf } from './synthesised-stack.ts';
import { region, type TemplateValues } from './template-values.ts';

/** Where the services are that functions call without the SDK. */
const awsUrl = new RegExp(`https://(?:lambda|sns|secretsmanager)[.]${region}[.]amazonaws[.]com`);

const bootstrap = fileURLToPath(new URL('runtime-bootstrap.ts', import.meta.url));

/** A function in a process of its own, under its role. */
export interface FunctionProcess {
  readonly name: string;
  /** Proxy for its calls of AWS, and for calls in its name. */
  readonly proxy: IamProxy;
  /** What its role allows. */
  readonly granted: ReturnType<typeof statementsOf>;
  readonly environment: Readonly<Record<string, string>>;
  /** What it has logged. */
  log(): string;
  /** Of that, the lines that are JSON. */
  readonly lines: Arrivals<LogLine>;
  /** @throws FunctionError */
  invoke(event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** A line of a log, with whatever a function says of what it did. */
export interface LogLine {
  readonly message: string;
  readonly [fact: string]: unknown;
}

/** What a function finds where it is deployed. */
export interface FunctionContext {
  readonly template: Template;
  readonly values: TemplateValues;
  readonly endpoints: Readonly<Record<Service, string>>;
  /** Those that let into the embedded services: the role is what counts. */
  readonly credentials: ReturnType<typeof sdkSettings>['credentials'];
  /** Replacement of the public internet, if the function needs it: a file to load first, a certificate to trust. */
  readonly internet: { readonly preload: string; readonly caFile: string } | undefined;
  readonly onDenied: (grant: string) => void;
}

/** Starts the bundle of a function under what the template says of it. */
export async function startFunction(
  name: string,
  { logicalId, folder }: DeployableFunction,
  { template, values, endpoints, credentials, internet, onDenied }: FunctionContext,
): Promise<FunctionProcess> {
  const { Environment, Handler, Role, Timeout } = propertiesOf(template, logicalId);
  const granted = statementsOf(template, Role['Fn::GetAtt'][0], values);
  const proxy = await startIamProxy(granted, endpoints, onDenied);
  const runtime = await startLambdaRuntime(arn('lambda', `function:${logicalId}`));
  const variables = Object.entries<unknown>(Environment.Variables).map(([variable, value]) => [
    variable,
    values.text(value).replace(`${taskFolder}/`, `${folder}/`).replace(awsUrl, proxy.url),
  ]);
  const environment: Record<string, string> = Object.fromEntries(variables);
  const child = spawn(process.execPath, [...(internet ? ['--import', internet.preload] : []), bootstrap], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: region,
      AWS_LAMBDA_FUNCTION_NAME: logicalId,
      AWS_LAMBDA_RUNTIME_API: runtime.address,
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: Handler,
      AWS_ENDPOINT_URL_DYNAMODB: proxy.url,
      AWS_ENDPOINT_URL_SNS: proxy.url,
      AWS_ENDPOINT_URL_SQS: proxy.url,
      ...(internet && { NODE_EXTRA_CA_CERTS: internet.caFile }),
    },
  });
  let log = '';
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const lines = new Arrivals<LogLine>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) lines.add(JSON.parse(line));
  });
  const ended = once(child, 'close');
  child.on('close', () => runtime.end(new Error(`the process of ${name} has ended; it wrote\n${log}`)));
  return {
    name,
    proxy,
    granted,
    environment,
    log: () => log,
    lines,
    invoke: (event) => runtime.invoke(event, 1000 * Timeout),
    async close() {
      child.kill();
      await ended;
      await Promise.all([proxy.close(), runtime.close()]);
    },
  };
}
