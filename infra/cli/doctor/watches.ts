import { endsSoon, hasEnded, verificationCauses } from '#functions/cryptshare/verification.ts';
import { incidentOf } from '#functions/watches/watch-health.ts';
import { path } from '#infra/cli/api/client.ts';
import type { VerificationResource, WatchResource } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { watchWords } from '#infra/cli/commands/watch.ts';
import { ApiError, CliError } from '#infra/cli/terminal/cli-error.ts';
import { timeText } from '#infra/cli/terminal/output.ts';
import { type Check, fail, met, ok, warn } from './check.ts';
import { checksOf, type Finding } from './findings.ts';

/** Limit of mailboxes asked about, since the server may limit such calls. */
const mostAsked = 20;

/** Results of asking the server about mailboxes. */
export interface Asked {
  readonly checks: readonly Check[];
  /** True when the server has answered the notifier. */
  readonly isServerReached: boolean;
  /** Mailboxes with a verification problem. */
  readonly unverified: ReadonlySet<string>;
}

/** Has the notifier ask the server about the mailboxes. The answers also tell about licence and client id. */
export async function checkMailboxes(session: Session, watches: readonly WatchResource[]): Promise<Asked> {
  const enabled = watches.filter(({ isDisabled }) => !isDisabled);
  const byMailbox = new Map(enabled.map((watch) => [watch.mailbox, watch]));
  const [probe, ...others] = [...byMailbox.values()].toSorted((a, b) => Number(isUnsure(b)) - Number(isUnsure(a)));
  if (!probe) {
    const check = warn('licence', 'cannot be told while nothing is watched', session.hint('watch add MAILBOX'));
    return { checks: [check], isServerReached: false, unverified: new Set() };
  }
  const first = await verificationOf(session, probe.mailbox);
  if (first instanceof ApiError && !ofMailbox.test(first.kind ?? '')) return refused(first);
  const answers = new Map([[probe, first]]);
  const unsure = others.filter(isUnsure);
  for (const watch of unsure.slice(0, mostAsked)) answers.set(watch, await verificationOf(session, watch.mailbox));
  const failed = unsure.slice(mostAsked).filter(hasFailed);
  const open = unsure.slice(mostAsked).filter((watch) => !hasFailed(watch));
  const isRegistered = [...answers.values()].some(
    (answer) => 'methods' in answer && answer.methods.includes('client_id'),
  );
  const problemsOf = (some: Iterable<WatchResource>) =>
    [...some].flatMap((watch) => problemOf(session, watch, answers.get(watch)) ?? []);
  const found = [
    ...problemsOf(answers.keys()),
    // A registered client id verifies them at their next poll.
    ...(isRegistered ? [] : failed.map((watch) => unverified(session, watch))),
    ...problemsOf(others.slice(unsure.length)),
  ];
  const well = byMailbox.size - found.length - open.length;
  const verified = `${well} of ${byMailbox.size} mailboxes are verified, or are at their next poll`;
  const unasked = `${open.length} more mailboxes were not asked about`;
  const checks = met([
    ok('licence', 'the server answers the notifier'),
    ok('client id', 'the server accepts that of the notifier'),
    well > 0 && ok('verification', verified),
    ...checksOf(found),
    open.length > 0 && warn('verification', unasked, 'npm run notifier -- watch list shows them'),
  ]);
  return { checks, isServerReached: true, unverified: new Set(found.map(({ mailbox }) => mailbox)) };
}

/** Checks that the last poll of each watch listed it completely. @param unverified mailboxes reported already */
export function checkListings(
  { hint }: Pick<Session, 'hint'>,
  watches: readonly WatchResource[],
  unverified: ReadonlySet<string>,
): Check[] {
  const enabled = watches.filter(({ isDisabled }) => !isDisabled);
  const withProblem = enabled.flatMap((watch) => listingOf(watch) ?? []);
  const news = withProblem.filter(({ mailbox, cause }) => !(unverified.has(mailbox) && verificationCauses.has(cause)));
  const paused = watches.length - enabled.length;
  const well = `${enabled.length - withProblem.length} of ${enabled.length} watches were listed completely by their last polls`;
  return met([
    enabled.length > withProblem.length && ok('last listing', well),
    watches.length === 0 && warn('watches', 'nothing is watched, so nothing is announced', hint('watch add MAILBOX')),
    ...checksOf(news),
    ...checksOf(enabled.filter(({ lacksFacts }) => lacksFacts).map(lackOf)),
    paused > 0 &&
      warn(
        'last listing',
        `${paused} ${paused === 1 ? 'watch is' : 'watches are'} paused`,
        'npm run notifier -- watch resume MAILBOX',
      ),
  ]);
}

function listingOf(watch: WatchResource): Finding | undefined {
  const { mailbox, health, baselineAt } = watch;
  const words = watchWords(watch);
  const about = { name: 'last listing', mailbox };
  if (health) {
    const { message } = health.problem;
    const since = health.incompleteSince;
    const incomplete = since === undefined ? '' : ` none is complete since ${timeText(since)} UTC:`;
    const together = { noun: 'watches', message: `fail: ${message}` };
    const alone = { message: `${words}:${incomplete} ${message}` };
    return { ...about, outcome: 'fail', cause: incidentOf(health.problem), alone, together };
  }
  if (baselineAt !== undefined) return undefined;
  const remedy = 'wait for its first poll, or npm run notifier -- watch poll MAILBOX';
  const alone = { message: `${words}: not listed yet`, remedy };
  const remedies = remedy.replace('its first poll', 'their first polls');
  const together = { noun: 'watches', message: 'are not listed yet', remedy: remedies };
  return { ...about, outcome: 'warn', cause: 'not listed', alone, together };
}

function lackOf(watch: WatchResource): Finding {
  const message = 'the server does not give all that it follows: where it is missing, states alone are announced';
  const remedy = 'update the Cryptshare Server, or follow less: npm run notifier -- watch update --help';
  const alone = { message: `${watchWords(watch)}: ${message}`, remedy };
  const together = { noun: 'watches', message: message.replace('it follows', 'they follow'), remedy };
  return { name: 'following', mailbox: watch.mailbox, outcome: 'warn', cause: 'lacks facts', alone, together };
}

/** Verification problem of a mailbox; `answer` is undefined if the server was not asked. */
function problemOf(
  session: Session,
  watch: WatchResource,
  answer: VerificationResource | ApiError | undefined,
): Finding | undefined {
  const { verification, mailbox } = watch;
  if (answer instanceof ApiError) {
    const alone = { message: `${mailbox}: ${answer.message}` };
    const together = { noun: 'mailboxes', message: `cannot be verified: ${answer.message}` };
    return { name: 'verification', mailbox, outcome: 'fail', cause: answer.message, alone, together };
  }
  // A registered client id renews a verification by itself; otherwise a person has to.
  if (answer?.methods.includes('client_id')) return undefined;
  const now = session.context.now().getTime();
  const known = verification?.method === 'email' ? { mailbox, rev: 0, ...verification } : undefined;
  const until = timeText(known?.validUntil);
  if (known && hasEnded(known, now)) {
    const alone = `that of ${mailbox} has ended at ${until} UTC`;
    return toVerify(session, mailbox, { cause: 'ended', alone, together: 'have a verification that has ended' });
  }
  if (answer?.isVerified === false) return unverified(session, watch);
  if (!known || !endsSoon(known, now)) return undefined;
  const alone = `that of ${mailbox} ends at ${until} UTC`;
  const together = 'have a verification that ends within a week';
  const soon = toVerify(session, mailbox, { cause: 'ends soon', alone, together });
  return { ...soon, outcome: 'warn' };
}

function unverified(session: Session, { mailbox, verification }: WatchResource): Finding {
  const until = timeText(verification?.validUntil);
  if (until !== undefined) {
    const alone = `the server does not accept that of ${mailbox}, which was to hold until ${until} UTC`;
    const together = 'have a verification that the server does not accept';
    return toVerify(session, mailbox, { cause: 'not accepted', alone, together });
  }
  const alone = `${mailbox} is not verified, and the client id may not verify it by itself`;
  const together = 'are not verified, and the client id may not verify them by itself';
  const first = 'have an administrator register the client id (Add-on Products > REST API), or verify each of them: ';
  return toVerify(session, mailbox, { cause: 'not verified', alone, together, first });
}

/** A problem of verification: in words for one mailbox and for several, with the remedy to try `first` for these. */
interface Unverified extends Readonly<Record<'cause' | 'alone' | 'together', string>> {
  readonly first?: string;
}

/** Finding with the remedy to verify a mailbox by e-mail. */
const toVerify = ({ hint }: Session, mailbox: string, { cause, alone, together, first = '' }: Unverified): Finding => ({
  name: 'verification',
  mailbox,
  outcome: 'fail',
  cause,
  alone: { message: alone, remedy: hint(`watch verify ${mailbox}`) },
  together: { noun: 'mailboxes', message: together, remedy: `${first}${hint('watch verify MAILBOX')}` },
});

/** True when the last poll failed because the mailbox is not verified. */
const hasFailed = ({ health }: WatchResource): boolean => verificationCauses.has(health?.problem.cause ?? '');

/** True when doctor must ask the server: no validity is known, or the last poll failed in spite of it. */
const isUnsure = (watch: WatchResource): boolean => watch.verification?.validUntil === undefined || hasFailed(watch);

/** Kinds of refusal that may concern one mailbox only. */
const ofMailbox = /^(verification_refused|not_verified|forbidden|request_rejected)$/;

const culprits: Readonly<Record<string, string>> = { not_licensed: 'licence', client_id_rejected: 'client id' };

/** Kinds of failure in the network or in a proxy before the server. */
const elsewhere = /^(unreachable|proxy_failed|timeout|certificate_untrusted|redirected|malformed_answer|)$/;

/** Reports a refusal for all mailboxes once. */
function refused({ kind = '', message }: ApiError): Asked {
  const isServerReached = !elsewhere.test(kind);
  return { checks: [fail(culprits[kind] ?? 'verification', message)], isServerReached, unverified: new Set() };
}

async function verificationOf({ api }: Session, mailbox: string): Promise<VerificationResource | ApiError> {
  try {
    return await api.get<VerificationResource>(path`/mailboxes/${mailbox}/verification`);
  } catch (error) {
    if (error instanceof ApiError) return error;
    if (error instanceof CliError) return new ApiError(0, error.message);
    throw error;
  }
}
