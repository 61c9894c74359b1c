import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { personReporter } from '../../../infra/local/console.ts';

test('what is said of the notifier itself is not called a poll', () => {
  const lines: string[] = [];
  const output = { stream: process.stdout, write: (text: string) => void lines.push(stripVTControlCharacters(text)) };
  const now = () => new Date('2026-11-24T12:00:00');
  personReporter(output, now).remark('operator: POST /endpoints, answered 400');
  expect(lines.join('')).toBe('12:00:00  notifier  operator: POST /endpoints, answered 400\n');
});
