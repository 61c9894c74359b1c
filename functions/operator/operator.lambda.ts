import { readFileSync } from 'node:fs';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { readOpenApiFile, readOperatorEnvironment } from '#functions/lambda/environment.ts';
import { logger } from '#functions/lambda/logger.ts';
import { whenInvoked } from '#functions/lambda/secret.ts';
import { operatorDependencies } from '#functions/operator/api/dependencies.ts';
import { operatorHandler } from './routes.ts';

const dependencies = whenInvoked((fields) => operatorDependencies(readOperatorEnvironment(fields)));
const document = () => readFileSync(readOpenApiFile(), 'utf8');

export const handler = operatorHandler(dependencies, document, logger).use(injectLambdaContext(logger));
