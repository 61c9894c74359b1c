import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { SignatureV4 } from '@smithy/signature-v4';
import { unreachable } from '#infra/cli/terminal/cli-error.ts';
import { awsFailure, remedyFor, signIn } from './aws-failure.ts';

/** Address of the operator API and access to it. */
export interface Target {
  /** Address without a slash at the end. */
  readonly url: string;
  /** Remedy when the API is unreachable. */
  readonly remedy: string;
  /** Remedy when the API refuses access with the text `said`. */
  readonly admission: (said: string) => string;
  /** Adds credentials to the headers of a request. @throws CliError when there are none */
  sign(
    method: string,
    url: URL,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<Record<string, string>>;
}

const output = 'OperatorUrl';

/** Remedy that also helps an operator whose local run is stopped or keeps its data elsewhere. */
function accessRemedy(error: Error): string | undefined {
  const remedy = remedyFor(error);
  if (remedy !== signIn && !/^Region /.test(error.message)) return remedy;
  return `${remedy}; for a local run, start it first, and add --data FOLDER unless that is data here`;
}

/** The operator API of a stack. @throws CliError when the stack does not exist, or the operator is not signed in */
export async function stackTarget(stack: string): Promise<Target> {
  const client = new CloudFormationClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 5000, requestTimeout: 15_000 },
  });
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stack })).catch((error: Error) => {
    const isMissing = error.name === 'ValidationError' && error.message.includes('does not exist');
    throw awsFailure(
      error,
      `look up the stack ${stack}`,
      isMissing
        ? `name another one by --stack, or its region in AWS_REGION; npm run deploy makes ${stack}`
        : accessRemedy(error),
    );
  });
  const url = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === output)?.OutputValue;
  if (url === undefined) {
    throw unreachable(`the stack ${stack} has no output ${output}: deploy it again with this release (npm run deploy)`);
  }
  return signedTarget(url, client);
}

export const functionTarget = (url: string, region: string): Target =>
  signedTarget(url, new CloudFormationClient({ region }));

/** Signs with the credentials and the region that the client has found. */
function signedTarget(url: string, { config }: CloudFormationClient): Target {
  const { region, credentials, sha256 } = config;
  const signer = new SignatureV4({ service: 'lambda', region, credentials, sha256 });
  return {
    url: url.replace(/\/+$/, ''),
    remedy: 'is the stack deployed completely, and does the network here let you reach AWS?',
    admission: (said) =>
      /expired|security token|signature/i.test(said)
        ? signIn
        : "have the policy attached that the stack's output OperatorsPolicyArn names, or name another profile in AWS_PROFILE",
    async sign(method, { protocol, hostname, host, pathname, searchParams }, headers, body) {
      const query = Object.fromEntries(searchParams);
      const request = { method, protocol, hostname, path: pathname, query, headers: { ...headers, host }, body };
      const signed = await signer.sign(request).catch((error: Error) => {
        throw awsFailure(error, 'sign the request', accessRemedy(error));
      });
      return signed.headers;
    },
  };
}
