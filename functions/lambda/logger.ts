import { Logger } from '@aws-lambda-powertools/logger';
import { BriefFormat } from './log-format.ts';
import { serviceName } from './metric-names.ts';

/** Structured logs. Nothing that names a person or opens a door belongs in them. */
export const logger = new Logger({ serviceName, logFormatter: new BriefFormat() });
