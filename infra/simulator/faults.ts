import { z } from 'zod';

const faultSchema = z.strictObject({
  /** Text that the path must contain, without the query; any path if left out. */
  path: z.string().default(''),
  /** The page that must be asked for; any if left out. */
  page: z.int().positive().optional(),
  /** How many requests it befalls. */
  times: z.int().positive().default(1),
  answer: z.discriminatedUnion('kind', [
    /** This answer instead of the real one. */
    z.strictObject({
      kind: z.literal('response'),
      status: z.int().min(200).max(599),
      headers: z.record(z.string(), z.string()).default({}),
      body: z.string().default(''),
    }),
    /** The first half of the real answer, in a response that is complete in itself. */
    z.strictObject({ kind: z.literal('truncated') }),
    /** The real answer, this many milliseconds late. */
    z.strictObject({ kind: z.literal('delayed'), ms: z.int().nonnegative() }),
    /** No answer: the connection ends. */
    z.strictObject({ kind: z.literal('dropped') }),
  ]),
});

/** Something that goes wrong with the next requests that match; it is used up once it has befallen them. */
export type Fault = z.input<typeof faultSchema>;

type PendingFault = z.output<typeof faultSchema>;

/** What befalls a request. */
export type FaultAnswer = PendingFault['answer'];

/** The faults that are still to happen. If several match a request, the one injected first befalls it. */
export class Faults {
  private pending: PendingFault[] = [];

  /** @throws ZodError for what is no {@link Fault}, since the control interface takes it from anybody */
  inject(fault: Fault): void {
    this.pending.push(faultSchema.parse(fault));
  }

  /** Takes back every fault that has not happened yet. */
  clear(): void {
    this.pending = [];
  }

  /** What befalls this request, if anything does. */
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

/** Answers that servers, proxies and sign-in portals are known to give. */
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
  /** A page for people where data should be, with status 200. */
  signInPage: { kind: 'response', status: 200, headers: html, body: '<html><h1>Please sign in</h1></html>' },
  redirect: (location: string) => ({ kind: 'response', status: 302, headers: { location } }),
} as const satisfies Record<string, Fault['answer'] | ((value: string) => Fault['answer'])>;
