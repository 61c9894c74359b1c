import pLimit from 'p-limit';
import type { Answer, Finding } from './judgement.ts';
import { isSuccess, judge, notJudged } from './judgement.ts';
import type { Count } from './processed.ts';
import { type RequestKind, requestKinds } from './request-kinds.ts';
import { send } from './send.ts';
import { type RequestMaker, requestMaker, type TestRequest } from './test-request.ts';

export interface CheckSettings {
  readonly url: URL;
  readonly secret: string;
  /** Undefined where nothing tells the number of processed events. */
  readonly count: Count | undefined;
  /** Milliseconds for one answer. */
  readonly answerMs: number;
  /** Milliseconds after which no further kind of request is sent. */
  readonly totalMs: number;
  readonly now: () => Date;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly progress?: (name: string) => void;
}

/** Requests in flight at once, as many as the notifier has by default. */
const mostAtOnce = 10;

/** Most requests that are sent once more. */
const mostRetries = 20;

/** Milliseconds between two counts, and for which they are read: a receiver may work after its answer. */
const [countPauseMs, mostCountsMs] = [50, 10_000];

/** Counts at most, for a clock that does not go on. */
const mostCounts = mostCountsMs / countPauseMs;

/** Equal counts after which a number stays, and that where a second processing would be the mistake. */
const [steadyCounts, steadyCountsOfRepetitions] = [1, 10];

const stopped = 'the check was stopped';

/** Sends all kinds of requests, one kind after the other, and judges each. */
export async function checkReceiver(settings: CheckSettings): Promise<Finding[]> {
  const make = requestMaker(settings.secret, settings.now);
  const startedAt = performance.now();
  const findings: Finding[] = [];
  let stop: string | undefined;
  for (const kind of requestKinds) {
    if (settings.signal?.aborted) stop = stopped;
    else if (performance.now() - startedAt > settings.totalMs) stop = 'the check took too long and ended before';
    if (stop !== undefined) {
      findings.push(notJudged(kind, stop));
      continue;
    }
    settings.progress?.(kind.name);
    const finding = await findingOf(kind, make, settings).catch((error: unknown) => {
      if (!settings.signal?.aborted) throw error;
    });
    if (finding === undefined || settings.signal?.aborted) {
      findings.push(notJudged(kind, stopped));
      continue;
    }
    findings.push(finding);
    if (findings.length === 1 && finding.verdict === 'broken')
      stop = 'the good request has to succeed first; then run the check again';
  }
  return findings;
}

async function findingOf(kind: RequestKind, make: RequestMaker, settings: CheckSettings): Promise<Finding> {
  const { url, answerMs, count, signal } = settings;
  const atOnce = pLimit(mostAtOnce);
  const before = await count?.(signal);
  const rounds: Answer[][] = [];
  const failed: TestRequest[] = [];
  for (const requests of kind.rounds(make)) {
    const answers = await Promise.all(requests.map((request) => atOnce(() => send(url, request, answerMs, signal))));
    rounds.push(answers);
    if (kind.isRetried) failed.push(...requests.filter((_, index) => !isSuccess(answers[index]!)));
  }
  const retried: Answer[] = [];
  // One by one, since retries of the notifier are spread; a receiver that gives no answer is not waited for again.
  for (const request of failed.slice(0, mostRetries)) {
    const answer = await send(url, request, answerMs, signal);
    retried.push(answer);
    if ('none' in answer) break;
  }
  const steady = kind.needsCount ? steadyCountsOfRepetitions : steadyCounts;
  const added = count && (await settledCount(count, before! + (kind.adds ?? 0), steady, settings)) - before!;
  return judge(kind, { rounds, retried, added }, answerMs);
}

/** Counts until the number is as expected or higher and stays so, or until the time for it is over. */
async function settledCount(count: Count, expected: number, steady: number, settings: CheckSettings) {
  const { now, sleep, signal } = settings;
  const until = now().getTime() + mostCountsMs;
  let last = await count(signal);
  let equal = 0;
  for (let read = 1; read < mostCounts && now().getTime() < until && !signal?.aborted; read++) {
    await sleep(countPauseMs, signal);
    const next = await count(signal);
    equal = next === last && next >= expected ? equal + 1 : 0;
    if (equal >= steady) return next;
    last = next;
  }
  return last;
}
