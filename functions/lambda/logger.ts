import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { serviceName } from './metric-names.ts';

/**
 * Omits what is the same in every line, such as the function's name and memory. That is half of a line, and logs are
 * charged by the byte. The request id leads to everything else that Lambda knows of the invocation.
 */
export class BriefFormat extends LogFormatter {
  override formatAttributes({ logLevel: level, message, ...given }: UnformattedAttributes, facts: LogAttributes) {
    const timestamp = this.formatTimestamp(given.timestamp);
    const attributes = { level, message, timestamp, function_request_id: given.lambdaContext?.awsRequestId };
    return new LogItem({ attributes }).addAttributes(facts);
  }
}

/** Structured logs. Never log personal data or credentials. */
export const logger = new Logger({ serviceName, logFormatter: new BriefFormat() });
