import type { RequestKind } from './request-kinds.ts';

/** Answer to one request: a status of HTTP, or why there is none. */
export type Answer =
  | { readonly status: number }
  | { readonly none: 'timeout' }
  | { readonly none: 'failed'; readonly code: string };

/** Answers to the requests of a kind, and what was processed. */
export interface Evidence {
  /** Answers of each round. */
  readonly rounds: readonly (readonly Answer[])[];
  /** Answers to what was sent once more. */
  readonly retried: readonly Answer[];
  /** By how many the number of processed events grew; undefined where nothing tells it. */
  readonly added: number | undefined;
}

export interface Finding {
  readonly name: string;
  readonly verdict: 'good' | 'broken' | 'not judged';
  readonly says: string;
  /** Heading and item of docs/receiving-webhooks.md. */
  readonly paragraph: string;
}

export const processedHint = '--processed, with a URL or command that counts what was processed, lets it be judged';

/** Judges a receiver by its answers and by what it has processed. */
export function judge(kind: RequestKind, { rounds, retried, added }: Evidence, answerMs: number): Finding {
  const { name, paragraph } = kind;
  const broken = (says: string, where = paragraph): Finding => ({ name, verdict: 'broken', says, paragraph: where });
  for (const [index, answers] of rounds.entries()) {
    const wrong = answers.find((answer) => !isAsExpected(answer, kind.expected[index]!));
    if (wrong === undefined) continue;
    // A failure of many may also have lost an event for good.
    const lost = retried.length > 0 && retried.every(isSuccess) && isTooFew(kind, added);
    if (lost)
      return broken(`${kind.brokenAnswer} (${words(wrong, answerMs)}); ${lossWords}`, 'Duties of a receiver, item 3');
    return brokenBy(wrong);
  }
  if (added !== undefined && kind.adds !== undefined) {
    if (added > kind.adds) return broken(`${kind.brokenCount ?? excess(kind)} (${kind.adds} expected, got ${added})`);
    if (added < kind.adds) {
      const says = `answers 2xx, but does not process every event (${kind.adds} expected, got ${added})`;
      return broken(says, 'Duties of a receiver, item 3');
    }
  }
  const open = kind.needsCount || (kind.expected.includes('any') && rounds.flat().some(isSuccess));
  if (open && added === undefined) return { name, verdict: 'not judged', says: processedHint, paragraph };
  return { name, verdict: 'good', says: '', paragraph };

  function brokenBy(answer: Answer): Finding {
    const got = words(answer, answerMs);
    if ('none' in answer && answer.none === 'timeout')
      return broken(`${got}: answer first, work later`, 'Duties of a receiver, item 6');
    if ('status' in answer && isRedirect(answer.status))
      return broken(`${got}: redirects are not followed`, 'Your answer');
    return broken(`${kind.brokenAnswer} (${got})`);
  }
}

/** A kind that was not sent, or not to its end. */
export const notJudged = ({ name, paragraph }: RequestKind, says: string): Finding => ({
  name,
  verdict: 'not judged',
  says,
  paragraph,
});

const lossWords = 'it then takes the repetition for done and loses the event: store the id only with the work';
const excess = ({ adds }: RequestKind): string =>
  adds === 0 ? 'processes an event of a request that it has to refuse' : 'processes one event more than once';
const isTooFew = ({ adds }: RequestKind, added: number | undefined): boolean =>
  added !== undefined && adds !== undefined && added < adds;
export const isSuccess = (answer: Answer): boolean => 'status' in answer && answer.status >= 200 && answer.status < 300;
const isRedirect = (status: number): boolean => status >= 300 && status < 400;

function isAsExpected(answer: Answer, expected: RequestKind['expected'][number]): boolean {
  if (expected === 'any') return true;
  if (expected === 'accepted') return isSuccess(answer);
  return 'status' in answer && (answer.status === 400 || answer.status === 401);
}

function words(answer: Answer, answerMs: number): string {
  if ('status' in answer) return `answers ${answer.status}`;
  return answer.none === 'timeout' ? `gives no answer within ${answerMs / 1000} s` : `gives no answer: ${answer.code}`;
}
