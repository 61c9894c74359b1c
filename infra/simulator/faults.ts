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
