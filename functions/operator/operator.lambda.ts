import { readFileSync } from 'node:fs';
import { readOpenApiFile, readOperatorEnvironment } from '#functions/lambda/environment.ts';
import { logger } from '#functions/lambda/logger.ts';
import { whenInvoked } from '#functions/lambda/secret.ts';
import { operatorDependencies } from './dependencies.ts';
import { operatorHandler } from './routes.ts';

const dependencies = whenInvoked((fields) => operatorDependencies(readOperatorEnvironment(fields)));
const document = () => readFileSync(readOpenApiFile(), 'utf8');

const answer = operatorHandler(dependencies, document, logger);

export const handler: typeof answer = (event, context) => {
  logger.addContext(context);
  return answer(event, context);
};
