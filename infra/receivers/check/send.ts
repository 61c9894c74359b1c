import http from 'node:http';
import https from 'node:https';
import type { Answer } from './judgement.ts';
import type { TestRequest } from './test-request.ts';

/** Milliseconds between two pieces of a body. */
const pieceMs = 100;

/**
 * Sends one request on a connection of its own and reads the answer to its end; follows no redirect, and verifies TLS.
 *
 * @param signal ends it without an answer
 */
export function send(
  url: URL,
  { method, headers, body, pieces = 1 }: TestRequest,
  answerMs: number,
  signal?: AbortSignal,
): Promise<Answer> {
  const stopped: Answer = { none: 'failed', code: 'ABORT_ERR' };
  if (signal?.aborted) return Promise.resolve(stopped);
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const client = url.protocol === 'https:' ? https : http;
  const bytes = Buffer.from(body);
  const length = { 'content-length': String(bytes.length) };
  const options = { method, headers: { ...headers, ...length }, agent: false };
  // Said outright, since a variable of Node could have certificates not verified.
  const request = client.request(url, { ...options, rejectUnauthorized: true } as https.RequestOptions);
  let timer: NodeJS.Timeout | undefined;
  const end = (answer: Answer): void => {
    clearTimeout(timer);
    clearTimeout(limit);
    signal?.removeEventListener('abort', onStop);
    resolve(answer);
    request.destroy();
  };
  const onStop = () => end(stopped);
  signal?.addEventListener('abort', onStop);
  const limit = setTimeout(() => end({ none: 'timeout' }), answerMs);
  request.on('error', (error: NodeJS.ErrnoException) => end({ none: 'failed', code: error.code ?? error.message }));
  request.on('response', (response) => {
    const answer = { status: response.statusCode ?? 0 };
    response.on('error', () => end(answer));
    response.on('close', () => end(answer));
    response.resume();
  });
  const size = Math.ceil(bytes.length / pieces);
  const write = (from: number): void => {
    if (from + size >= bytes.length) {
      request.end(bytes.subarray(from));
      return;
    }
    request.write(bytes.subarray(from, from + size));
    timer = setTimeout(write, pieceMs, from + size);
  };
  write(0);
  return promise;
}
