import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalRun } from '#test/infra/local/local-run.ts';

/** Value of `--aws-endpoint`, as `npm run test:outside` gives it. */
const endpoint = process.env.OUTSIDE_AWS_ENDPOINT ?? '';

let run: LocalRun;

beforeAll(() => {
  run = new LocalRun(['--json', '--aws-endpoint', endpoint]);
});

afterAll(async () => {
  run.kill('SIGKILL');
  await run.exit();
});

it('announces, delivers with a good signature, and prints notices on another implementation of AWS', async () => {
  await run.line(({ kind }) => kind === 'event');
  const notice = await run.line(({ kind }) => kind === 'notice');
  expect(notice).toMatchObject({ reader: 'team', text: expect.stringMatching(/^\d+ transfers? /) });
  await run.line(({ kind, type }) => kind === 'receipt' && type !== undefined);
  await run.line(({ kind, status }) => kind === 'delivery' && status === 'DELIVERED');
  run.kill('SIGINT');
  expect(await run.exit()).toBe(0);
  expect(run.stderr).toBe('');
});
