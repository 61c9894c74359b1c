import { dayMs, daysText } from '#functions/clock/retention.ts';
import { defaultRetryDelays, jitter } from '#functions/webhooks/endpoints/retry-schedule.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';

const hourMs = 3_600_000;

/** Part of a configuration. */
interface Kept {
  readonly retention: { readonly events: number; readonly transfers: number };
  readonly webhooks: readonly { readonly retryDelays?: readonly string[] | undefined }[];
}

/** Problems of times for which data is kept, each with its path and remedy. */
export function retentionProblems({ retention: { events, transfers }, webhooks }: Kept): string[] {
  const schedules = webhooks.map(({ retryDelays }, index) => {
    const takesMs = longestScheduleMs(retryDelays?.map(millisecondsOf) ?? defaultRetryDelays);
    const schedule = retryDelays ? 'they take' : 'the usual ones take';
    return (
      takesMs > events * dayMs &&
      `webhooks[${index}].retryDelays: expected delays that end within retention.events (${daysText(events * dayMs)}), since an event is then deleted, but ${schedule} up to ${Math.ceil(takesMs / hourMs)} h: shorten them, or keep events longer`
    );
  });
  return [
    transfers < events &&
      `retention.transfers: expected at least the ${daysText(events * dayMs)} of retention.events, got ${transfers}: a transfer that is forgotten and listed again begins with ids that its stored events have`,
    ...schedules,
  ].filter((problem) => typeof problem === 'string');
}

/** Milliseconds from the first attempt to the last at most, unless the receiver asks for longer delays. */
const longestScheduleMs = (delays: readonly number[]): number =>
  Math.round(delays.reduce((sum, delay) => sum + delay, 0) * (1 + jitter));
