import { endsSoon, hasEnded } from '../../functions/verification/verification.ts';
import { path } from './api-client.ts';
import { ApiError, CliError } from './cli-error.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';
import { timeText } from './output.ts';
import type { VerificationResource, WatchResource } from './resources.ts';
import type { Session } from './session.ts';
import { watchWords } from './watch-words.ts';

/** Mailboxes for which the server is asked: it may limit such calls. */
const mostAsked = 20;

/** What asking the server about mailboxes has brought. */
export interface Asked {
  readonly checks: readonly Check[];
  /** The notifier has got an answer from the server. */
  readonly isServerReached: boolean;
}

/** Has the notifier ask the server about the mailboxes: that tells of licence and client id, too. */
export async function checkMailboxes(session: Session, watches: readonly WatchResource[]): Promise<Asked> {
  const enabled = watches.filter(({ isDisabled }) => !isDisabled);
  const byMailbox = new Map(enabled.map((watch) => [watch.mailbox, watch]));
  const [probe, ...others] = [...byMailbox.values()].toSorted((a, b) => Number(isUnsure(b)) - Number(isUnsure(a)));
  if (!probe) {
    const check = warn('licence', 'cannot be told while nothing is watched', 'npm run notifier -- watch add MAILBOX');
    return { checks: [check], isServerReached: false };
  }
  const first = await verificationOf(session, probe.mailbox);
  if (first instanceof ApiError && !isOfMailbox(first)) return refused(first);
  const troubled = troublesOf(session, probe, first);
  const unsure = others.filter(isUnsure);
  for (const watch of unsure.slice(0, mostAsked)) {
    troubled.push(...troublesOf(session, watch, await verificationOf(session, watch.mailbox)));
  }
  for (const watch of others.slice(unsure.length)) troubled.push(...troublesOf(session, watch, undefined));
  const unasked = Math.max(0, unsure.length - mostAsked);
  const well = byMailbox.size - troubled.length - unasked;
  const checks = [
    ok('licence', 'the server answers the notifier'),
    ok('client id', 'the server accepts that of the notifier'),
    ...(well > 0
      ? [ok('verification', `${well} of ${byMailbox.size} mailboxes are verified, or are at their next poll`)]
      : []),
    ...troubled,
    ...(unasked > 0
      ? [
          warn(
            'verification',
            `${unasked} more mailboxes were not asked about`,
            'npm run notifier -- watch list shows them',
          ),
        ]
      : []),
  ];
  return { checks, isServerReached: true };
}

/** Whether each watch was listed completely when it was last polled. */
export function checkListings(watches: readonly WatchResource[]): Check[] {
  const enabled = watches.filter(({ isDisabled }) => !isDisabled);
  const troubled = enabled.flatMap((watch) => listingOf(watch) ?? []);
  const paused = watches.length - enabled.length;
  const well = `${enabled.length - troubled.length} of ${enabled.length} watches were listed completely by their last polls`;
  return [
    ...(enabled.length > troubled.length ? [ok('last listing', well)] : []),
    ...troubled,
    ...(paused > 0
      ? [warn('last listing', `${paused} watches are paused`, 'npm run notifier -- watch resume MAILBOX')]
      : []),
  ];
}

function listingOf(watch: WatchResource): Check | undefined {
  const { health, baselineAt } = watch;
  const words = watchWords(watch);
  if (health?.incompleteSince !== undefined) {
    return fail(
      'last listing',
      `${words}: none is complete since ${timeText(health.incompleteSince)} UTC: ${health.trouble.message}`,
    );
  }
  if (health) return fail('last listing', `${words}: ${health.trouble.message}`);
  if (baselineAt !== undefined) return undefined;
  return warn(
    'last listing',
    `${words}: not listed yet`,
    'wait for its first poll, or npm run notifier -- watch poll MAILBOX',
  );
}

/** What is wrong with the verification of a mailbox, after the server was asked or not. */
function troublesOf(
  session: Session,
  watch: WatchResource,
  answer: VerificationResource | ApiError | undefined,
): Check[] {
  if (!(answer instanceof ApiError)) return judged(session, watch, answer);
  return [fail('verification', `${watch.mailbox}: ${answer.message}`)];
}

/** What a person has to do about the verification of a mailbox, if anything. */
function judged(
  { surroundings, hint }: Session,
  watch: WatchResource,
  answer: VerificationResource | undefined,
): Check[] {
  const { mailbox, verification } = watch;
  const remedy = hint(`watch verify ${mailbox}`);
  if (answer?.methods.includes('client_id')) return [];
  const now = surroundings.now().getTime();
  const known = verification?.method === 'email' ? { mailbox, rev: 0, ...verification } : undefined;
  const until = timeText(known?.validUntil);
  if (known && hasEnded(known, now)) {
    return [fail('verification', `that of ${mailbox} has ended at ${until} UTC`, remedy)];
  }
  if (answer?.isVerified === false) return [notVerified(mailbox, verification, remedy)];
  if (known && endsSoon(known, now)) {
    return [warn('verification', `that of ${mailbox} ends at ${until} UTC`, remedy)];
  }
  return [];
}

/** What is said of a mailbox that the server does not take for verified. */
function notVerified(mailbox: string, known: WatchResource['verification'], remedy: string): Check {
  const until = known?.validUntil;
  const message =
    until === undefined
      ? `${mailbox} is not verified, and the client id may not verify it by itself`
      : `the server does not accept that of ${mailbox}, which was to hold until ${timeText(until)} UTC`;
  return fail('verification', message, remedy);
}

/** Troubles of a poll that its mailbox's verification may be the reason of. */
const verificationTroubles: ReadonlySet<string> = new Set([
  'not_verified',
  'verification_ended',
  'verification_refused',
  'token_invalid',
]);

/** Whether the server has to be asked: nothing is known, or what is known has not helped. */
const isUnsure = ({ verification, health }: WatchResource): boolean =>
  verification?.validUntil === undefined || verificationTroubles.has(health?.trouble.cause ?? '');

/** Refusals that need not be those of other mailboxes. */
const ofMailbox: ReadonlySet<string> = new Set([
  'verification_refused',
  'not_verified',
  'forbidden',
  'request_rejected',
]);

const isOfMailbox = ({ kind = '' }: ApiError): boolean => ofMailbox.has(kind);

const culprits: Readonly<Record<string, string>> = { not_licensed: 'licence', client_id_rejected: 'client id' };

/** What the server refuses to everyone is told once. */
function refused({ kind = '', message }: ApiError): Asked {
  const isServerReached = !['unreachable', 'proxy_failed', 'timeout', 'certificate_untrusted', ''].includes(kind);
  return { checks: [fail(culprits[kind] ?? 'verification', message)], isServerReached };
}

/** What the server says of a mailbox, or why it does not. */
async function verificationOf({ api }: Session, mailbox: string): Promise<VerificationResource | ApiError> {
  try {
    return await api.get<VerificationResource>(path`/mailboxes/${mailbox}/verification`);
  } catch (error) {
    if (error instanceof ApiError) return error;
    if (error instanceof CliError) return new ApiError(0, error.message);
    throw error;
  }
}
