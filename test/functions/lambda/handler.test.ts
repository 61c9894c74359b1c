import { expect, it } from 'vitest';
import { steady } from '#functions/clock/instants.ts';
import { handlerOf } from '#functions/lambda/handler.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';

it('handlerOf keeps time back at the end of an invocation', async () => {
  const handler = handlerOf<null, number>(5000, async (_, deadline) => Math.ceil((deadline - steady()) / 1000));
  expect(await handler(null, lambdaContext('example', 60_000))).toBe(55);
});
