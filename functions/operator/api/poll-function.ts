import type { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod/mini';
import { Connections, type HttpAnswer } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { Problem } from './problem.ts';

export interface PollFunction {
  /** Its invocation URL in Lambda's API. */
  readonly url: string;
  readonly signer: Pick<SignatureV4, 'sign'>;
}

export const watchProblemSchema = z.strictObject({ cause: z.string(), message: z.string() });

export const pollFields = {
  outcome: z.enum(['unchanged', 'changed', 'baseline', 'superseded', 'failed']),
  isComplete: z.boolean(),
  transfers: z.int(),
  changed: z.int(),
  published: z.int(),
  problem: z.optional(watchProblemSchema),
};

export const topicFields = {
  name: z.enum(['transfer-events', 'transfer-notices']),
  subscriptions: z.int(),
  unconfirmed: z.int(),
};

/** Bytes of Lambda's largest answer (6 MB). */
const largestAnswer = 6 * 1024 * 1024;

const pollsSchema = z.object({ polls: z.array(z.object(pollFields)) });
const topicsSchema = z.object({ topics: z.array(z.object({ ...topicFields, problem: z.optional(z.string()) })) });
const errorSchema = z.object({ errorType: z.string().check(z.regex(/^[\w.]{1,100}$/)) });

/**
 * Invokes the poll function for one watch and waits for the result. The SDK's Lambda client would take a fifth of the
 * bundle's budget for this one request.
 *
 * @param timeout milliseconds to wait
 * @returns the result of the poll, even a failed one; undefined when the watch is no longer registered
 * @throws Problem when the function could not be invoked or crashed
 */
export const invokePoll = async (pollFunction: PollFunction, watch: Watch, timeout: number) =>
  pollsSchema.parse(await answerOf(pollFunction, watch, timeout)).polls[0];

/** Invokes the poll function, which may access the topics, for their attributes, as {@link invokePoll} does. */
export const invokeForTopics = async (pollFunction: PollFunction, timeout: number) =>
  topicsSchema.parse(await answerOf(pollFunction, { show: 'topics' }, timeout)).topics;

async function answerOf(pollFunction: PollFunction, event: object, timeout: number): Promise<unknown> {
  const { body, headers } = await invoke(pollFunction, JSON.stringify(event), timeout);
  const answer: unknown = JSON.parse(body.toString());
  if (headers['x-amz-function-error'] === undefined) return answer;
  const { data } = errorSchema.safeParse(answer);
  throw new Problem(502, `the poll function has failed${data ? ` (${data.errorType})` : ''}: its log tells why`);
}

async function invoke({ url, signer }: PollFunction, body: string, timeout: number): Promise<HttpAnswer> {
  const { protocol, host, hostname, port, pathname } = new URL(url);
  const { headers } = await signer.sign({
    method: 'POST',
    protocol,
    hostname,
    ...(port && { port: Number(port) }),
    path: pathname,
    headers: { host, 'content-type': 'application/json' },
    body,
  });
  // The client sets the same host. A kept connection would be closed before the next invocation.
  const { host: _, ...signed } = headers;
  const answer = await new Connections()
    .send({
      method: 'POST',
      url: new URL(url),
      headers: { ...signed, connection: 'close' },
      body,
      timeoutMs: Math.max(0, timeout),
      maxBytes: largestAnswer,
      isRepeatable: false,
    })
    .catch((error: unknown) => {
      throw error instanceof HttpError ? unreachable(error) : error;
    });
  if (answer.status !== 200) throw refusalOf(answer);
  if (answer.flaw) throw unreachable(new HttpError('network'));
  return answer;
}

function unreachable({ failure, code, message }: HttpError): Problem {
  const detail =
    failure === 'network'
      ? `Lambda cannot be reached (${code ?? message}): ask again, and see whether the VPC, if any, has a way to it`
      : 'the poll function did not answer in time: its log tells how the poll ended';
  return new Problem(502, detail);
}

function refusalOf({ status, headers }: HttpAnswer): Problem {
  if (status === 429) return new Problem(502, 'Lambda has no room for another poll just now: ask again in a moment');
  const type = /^\w+/.exec(String(headers['x-amzn-errortype'] ?? ''))?.[0];
  const said = [`HTTP ${status}`, type].filter(Boolean).join(', ');
  return new Problem(
    502,
    `Lambda does not invoke the poll function (${said}): ask again, and deploy anew if it stays so`,
  );
}
