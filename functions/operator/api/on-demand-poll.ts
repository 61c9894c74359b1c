import * as z from 'zod/mini';
import type { HttpAnswer } from '#functions/http/connections.ts';
import { type SignedAddress, signedPost } from '#functions/lambda/signed-post.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { Problem, unanswered } from './problem.ts';

export const watchProblemSchema = z.strictObject({ cause: z.string(), message: z.string() });

export const pollFields = {
  outcome: z.enum(['unchanged', 'changed', 'baseline', 'superseded', 'failed']),
  isComplete: z.boolean(),
  transfers: z.int(),
  changed: z.int(),
  published: z.int(),
  problem: z.optional(watchProblemSchema),
};

const pollsSchema = z.object({ polls: z.array(z.object(pollFields)) });
const errorSchema = z.object({ errorType: z.string().check(z.regex(/^[\w.]{1,100}$/)) });

/** The poll, even a failed one; undefined for a removed watch. @throws Problem when it is not invoked, or crashes */
export async function invokePoll(pollFunction: SignedAddress, watch: Watch, timeoutMs: number) {
  const late = 'the poll function did not answer in time: its log tells how the poll ended';
  const asked = signedPost(pollFunction, { 'content-type': 'application/json' }, JSON.stringify(watch), timeoutMs);
  const answer = await asked.catch((error: Error) => Promise.reject(unanswered(error, 'Lambda', late)));
  if (answer.status !== 200) throw refusalOf(answer);
  const result: unknown = JSON.parse(answer.body.toString());
  if (answer.headers['x-amz-function-error'] === undefined) return pollsSchema.parse(result).polls[0];
  const { data } = errorSchema.safeParse(result);
  throw new Problem(502, `the poll function has failed${data ? ` (${data.errorType})` : ''}: its log tells why`);
}

function refusalOf({ status, headers }: HttpAnswer): Problem {
  if (status === 429) return new Problem(502, 'Lambda has no room for another poll just now: ask again in a moment');
  const type = /^\w+/.exec(String(headers['x-amzn-errortype'] ?? ''))?.[0];
  const said = [`HTTP ${status}`, type].filter(Boolean).join(', ');
  const refusal = `Lambda does not invoke the poll function (${said}): ask again, and deploy anew if it stays so`;
  return new Problem(502, refusal);
}
