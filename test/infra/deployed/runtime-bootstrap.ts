import { createRequire } from 'node:module';
import { join } from 'node:path';

// What runs in the function's process: loads its bundle and works off invocations, as Lambda's own runtime does.
const { AWS_LAMBDA_RUNTIME_API, AWS_LAMBDA_FUNCTION_NAME, LAMBDA_TASK_ROOT = '', _HANDLER = '' } = process.env;
const api = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const post = (path: string, body: unknown) =>
  fetch(`${api}/${path}`, { method: 'POST', body: JSON.stringify(body ?? null) });
const reported = ({ name, message }: Error) => ({ errorType: name, errorMessage: message });

const [file, exported] = _HANDLER.split('.') as [string, string];
let handler: (event: unknown, context: object) => Promise<unknown>;
try {
  handler = createRequire(import.meta.url)(join(LAMBDA_TASK_ROOT, `${file}.js`))[exported];
} catch (error) {
  await post('init/error', reported(error as Error));
  process.exit(1);
}
for (;;) {
  const invocation = await fetch(`${api}/invocation/next`);
  const header = (name: string) => invocation.headers.get(`lambda-runtime-${name}`) ?? '';
  const awsRequestId = header('aws-request-id');
  const context = {
    awsRequestId,
    functionName: AWS_LAMBDA_FUNCTION_NAME,
    invokedFunctionArn: header('invoked-function-arn'),
    getRemainingTimeInMillis: () => Number(header('deadline-ms')) - Date.now(),
  };
  try {
    await post(`invocation/${awsRequestId}/response`, await handler(await invocation.json(), context));
  } catch (error) {
    await post(`invocation/${awsRequestId}/error`, reported(error as Error));
  }
}
