import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import type { Declared } from '#functions/declare/declare.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { awsFailure } from '#infra/cli/api/aws-failure.ts';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import { remedies } from './stored-secret.ts';

const declaredSchema: z.ZodType<Declared> = z.object({
  watches: z.int(),
  endpoints: z.int(),
  waiting: z.array(z.object({ endpoint: z.string(), because: z.array(z.string()) })),
});

const failedSchema = z.object({ errorType: z.string().default('Error'), errorMessage: z.string().default('') });

/** Has the declare function apply the configuration file with the current secret. @throws CliError */
export async function redeclare(lambda: LambdaClient, name: string): Promise<Declared> {
  const { FunctionError, Payload } = await lambda
    .send(new InvokeCommand({ FunctionName: name }))
    .catch((error: Error) => {
      throw awsFailure(error, `invoke the function ${name}`, remedies[error.name]);
    });
  const answer = jsonOf(Payload?.transformToString() ?? '');
  if (FunctionError !== undefined) {
    const { errorType, errorMessage } = failedSchema
      .catch({ errorType: FunctionError, errorMessage: '' })
      .parse(answer);
    throw refused(
      `the function ${name} failed: ${`${errorType}: ${errorMessage}`.replace(/\s+/g, ' ')}: its log in CloudWatch tells more; the secret is filled, so run this again afterwards`,
    );
  }
  const { data } = declaredSchema.safeParse(answer);
  if (data) return data;
  throw refused(
    `the function ${name}: expected an answer that tells what was declared, got another: name the function that the output FillSecret of the stack says`,
  );
}

export const declaredLines = ({ watches, endpoints, waiting }: Declared): string[] => [
  `declared: ${counted(watches, 'watch', 'watches')}, ${counted(endpoints, 'webhook', 'webhooks')} ready`,
  ...waiting.flatMap(({ endpoint, because }) => because.map((reason) => `webhook ${endpoint} waits: ${reason}`)),
];

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
