import { Logger } from '@aws-lambda-powertools/logger';
import { BriefFormat } from './log-format.ts';
import { serviceName } from './metric-names.ts';

/** Structured logs. Never log personal data or credentials. */
export const logger = new Logger({ serviceName, logFormatter: new BriefFormat() });
