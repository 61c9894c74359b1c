import { z } from 'zod';

const faultSchema = z.strictObject({
  /** Part of the path, without the query; by default any path. */
  path: z.string().default(''),
  /** Requested page; by default any. */
  page: z.int().positive().optional(),
  times: z.int().positive().default(1),
  answer: z.discriminatedUnion('kind', [
    /** Replaces the real answer. */
    z.strictObject({
      kind: z.literal('response'),
      status: z.int().min(200).max(599),
      headers: z.record(z.string(), z.string()).default({}),
      body: z.string().default(''),
    }),
    /** Sends the first half of the real answer, as a complete response. */
    z.strictObject({ kind: z.literal('truncated') }),
    z.strictObject({ kind: z.literal('delayed'), ms: z.int().nonnegative() }),
    /** Ends the connection without an answer. */
    z.strictObject({ kind: z.literal('dropped') }),
  ]),
});

/** Fault of the next `times` requests that match. */
export type Fault = z.input<typeof faultSchema>;

type PendingFault = z.output<typeof faultSchema>;

export type FaultAnswer = PendingFault['answer'];

/** Pending faults. If several match a request, the oldest applies. */
export class Faults {
  private pending: PendingFault[] = [];

  /** @throws ZodError for an invalid {@link Fault}, as any program may send faults to the control interface */
  inject(fault: Fault): void {
    this.pending.push(faultSchema.parse(fault));
  }

  clear(): void {
    this.pending = [];
  }

  /** Takes the fault of a request, if there is one. */
  take(path: string, page: number): FaultAnswer | undefined {
    const fault = this.pending.find((candidate) => path.includes(candidate.path) && (candidate.page ?? page) === page);
    if (!fault) return undefined;
    fault.times -= 1;
    if (fault.times === 0) this.pending = this.pending.filter((candidate) => candidate !== fault);
    return fault.answer;
  }
}

const html = { 'content-type': 'text/html; charset=utf-8' };
const json = { 'content-type': 'application/json; charset=utf-8' };

/** Known answers of servers, proxies and sign-in portals. */
export const faultAnswers = {
  /** 429/2007; `retryAfter` is the value of the header, in seconds or as an HTTP date. */
  tooManyRequests: (retryAfter?: string) => ({
    kind: 'response',
    status: 429,
    headers: retryAfter === undefined ? json : { ...json, 'retry-after': retryAfter },
    body: '{"errorCode":2007,"errorMessage":"Too many requests."}',
  }),
  serverError: {
    kind: 'response',
    status: 500,
    headers: json,
    body: '{"errorCode":5000,"errorMessage":"Unhandled server error."}',
  },
  badGateway: { kind: 'response', status: 502, headers: html, body: '<html><h1>502 Bad Gateway</h1></html>' },
  emptyUnauthorized: { kind: 'response', status: 401 },
  /** HTML page with status 200 where data should be. */
  signInPage: { kind: 'response', status: 200, headers: html, body: '<html><h1>Please sign in</h1></html>' },
  redirect: (location: string) => ({ kind: 'response', status: 302, headers: { location } }),
} as const satisfies Record<string, Fault['answer'] | ((value: string) => Fault['answer'])>;
