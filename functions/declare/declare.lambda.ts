import { readFileSync } from 'node:fs';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { readDeclareEnvironment } from '#functions/lambda/environment.ts';
import { logger } from '#functions/lambda/logger.ts';
import { whenInvoked } from '#functions/lambda/secret.ts';
import { type Declared, declare, declareDependencies } from './declare.ts';

const dependencies = whenInvoked((fields) => {
  const env = readDeclareEnvironment(fields);
  return { ...declareDependencies(env, fields), file: env.DECLARED_FILE };
  // No caching: an operator invokes this right after filling the secret, and expects the new values.
}, 0);

export const handler = middy<unknown, Declared>()
  .use(injectLambdaContext(logger))
  .handler(async () => {
    const { file, ...deps } = await dependencies();
    const declared = await declare(deps, JSON.parse(readFileSync(file, 'utf8')));
    logger.info('declared', { ...declared });
    return declared;
  });
