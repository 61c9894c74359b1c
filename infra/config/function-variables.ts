import type * as z from 'zod/mini';
import type * as environments from '#functions/lambda/environment.ts';

/** Variables that a function needs; the secret may hold some of them instead. */
type VariablesOf<Environment extends () => z.ZodMiniType> = Record<
  keyof z.input<ReturnType<Environment>>,
  string | undefined
>;

export type PollVariables = VariablesOf<typeof environments.pollEnvironment>;
export type FanOutVariables = VariablesOf<typeof environments.fanOutEnvironment>;
export type DeliverVariables = VariablesOf<typeof environments.deliverEnvironment>;
export type SweepVariables = VariablesOf<typeof environments.sweepEnvironment>;
export type DeclareVariables = VariablesOf<typeof environments.declareEnvironment>;
export type OperatorVariables = VariablesOf<typeof environments.operatorEnvironment>;
