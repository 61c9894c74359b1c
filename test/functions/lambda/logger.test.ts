import { Logger } from '@aws-lambda-powertools/logger';
import { expect, test, vi } from 'vitest';
import { BriefFormat } from '#functions/lambda/logger.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';

test('a log line has level, time, request, message and facts, and nothing that is the same in every line', () => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  const errors = vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  const context = lambdaContext('poll', 1000);
  try {
    const logger = new Logger({ serviceName: 'any', logLevel: 'INFO', logFormatter: new BriefFormat() });
    logger.addContext(context);
    logger.info('poll', { pages: 11 });
    logger.error('poll failed', { error: new TypeError('no page') });
  } finally {
    write.mockRestore();
    errors.mockRestore();
  }
  const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const request = { timestamp, function_request_id: context.awsRequestId };
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'INFO', message: 'poll', pages: 11, ...request },
    {
      level: 'ERROR',
      message: 'poll failed',
      error: expect.objectContaining({ name: 'TypeError', message: 'no page' }),
      ...request,
    },
  ]);
});
