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
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly progress?: (name: string) => void;
}

/** Requests in flight at once, as many as the notifier has by default. */
const mostAtOnce = 10;

/** Most requests that are sent once more. */
const mostRetries = 20;

/** Milliseconds between two counts, and how often they are read at most: for ten seconds of work after the answer. */
const [countPauseMs, mostCounts] = [50, 200];

/** Equal counts after which a number stays, and that where a second processing would be the mistake. */
const [steadyCounts, steadyCountsOfRepetitions] = [1, 10];

/** Sends all kinds of requests, one kind after the other, and judges each. */
export async function checkReceiver(settings: CheckSettings): Promise<Finding[]> {
  const make = requestMaker(settings.secret, settings.now);
  const startedAt = performance.now();
  const findings: Finding[] = [];
  let stop: string | undefined;
  for (const kind of requestKinds) {
    if (settings.signal?.aborted) stop = 'the check was stopped';
    else if (performance.now() - startedAt > settings.totalMs) stop = 'the check took too long and ended before';
    if (stop !== undefined) {
      findings.push(notJudged(kind, stop));
      continue;
    }
    settings.progress?.(kind.name);
    const finding = await findingOf(kind, make, settings);
    findings.push(finding);
    if (findings.length === 1 && finding.verdict === 'broken')
      stop = 'the good request has to succeed first; then run the check again';
  }
  return findings;
}

async function findingOf(kind: RequestKind, make: RequestMaker, settings: CheckSettings): Promise<Finding> {
  const { url, answerMs, count } = settings;
  const atOnce = pLimit(mostAtOnce);
  const before = await count?.();
  const rounds: Answer[][] = [];
  const failed: TestRequest[] = [];
  for (const requests of kind.rounds(make)) {
    const answers = await Promise.all(requests.map((request) => atOnce(() => send(url, request, answerMs))));
    rounds.push(answers);
    if (kind.isRetried) failed.push(...requests.filter((_, index) => !isSuccess(answers[index]!)));
  }
  const retried: Answer[] = [];
  // One by one, since retries of the notifier are spread; a receiver that gives no answer is not waited for again.
  for (const request of failed.slice(0, mostRetries)) {
    const answer = await send(url, request, answerMs);
    retried.push(answer);
    if ('none' in answer) break;
  }
  const steady = kind.needsCount ? steadyCountsOfRepetitions : steadyCounts;
  const added = count && (await settledCount(count, before! + (kind.adds ?? 0), steady, settings.sleep)) - before!;
  return judge(kind, { rounds, retried, added }, answerMs);
}

/** Counts until the number is as expected or higher and stays so, since a receiver may work after its answer. */
async function settledCount(count: Count, expected: number, steady: number, sleep: CheckSettings['sleep']) {
  let last = await count();
  let equal = 0;
  for (let read = 1; read < mostCounts; read++) {
    await sleep(countPauseMs);
    const next = await count();
    equal = next === last && next >= expected ? equal + 1 : 0;
    if (equal >= steady) return next;
    last = next;
  }
  return last;
}
