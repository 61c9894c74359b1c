import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { readOperatorEnvironment } from '../env.ts';
import { logger } from '../logger.ts';
import { whenInvoked } from '../secret.ts';
import { operatorDependencies } from './dependencies.ts';
import { operatorHandler } from './routes.ts';

const dependencies = whenInvoked((fields) => operatorDependencies(readOperatorEnvironment(fields)));

export const handler = operatorHandler(dependencies, logger).use(injectLambdaContext(logger));
