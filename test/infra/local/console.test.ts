import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { personReporter } from '../../../infra/local/console.ts';

test('what is said of the notifier itself is not called a poll', () => {
  const stream = new PassThrough();
  const now = () => new Date('2026-11-24T12:00:00');
  personReporter(stream as unknown as NodeJS.WriteStream, now).remark('operator: POST /endpoints, answered 400');
  expect(String(stream.read())).toBe('12:00:00  notifier  operator: POST /endpoints, answered 400\n');
});
