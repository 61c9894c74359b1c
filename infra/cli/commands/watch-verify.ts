import { path } from '#infra/cli/api/client.ts';
import type { NewVerification, VerificationResource } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { ApiError, CliError, refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { timeText } from '#infra/cli/terminal/output.ts';

export interface VerifyOptions {
  readonly code?: string;
  /** Have a code mailed and do nothing else. */
  readonly sendCode?: boolean;
}

/** Wrong codes before the command gives up: servers limit these calls. */
const tries = 3;

/** HTTP status for a code that the server does not accept. */
const codeRejected = 422;

/** Verifies by the client id if the server allows it, otherwise by a code mailed to the owner. @throws CliError */
export async function verifyMailbox(session: Session, mailbox: string, options: VerifyOptions): Promise<void> {
  const { code, sendCode } = options;
  if (code !== undefined && sendCode) {
    throw wrongCommandLine('got --code and --send-code, expected one of them: the code comes after it was sent');
  }
  if (code !== undefined) return told(session, await verified(session, mailbox, code));
  if (sendCode) return send(session, mailbox);
  const { methods } = await session.api.get<VerificationResource>(path`/mailboxes/${mailbox}/verification`);
  if (methods.includes('client_id')) return told(session, await verified(session, mailbox));
  if (!methods.includes('email')) {
    const message = `the server offers neither the client id nor a mail to verify ${mailbox}: ask its administrator to switch one on for the REST API`;
    throw refused(message);
  }
  if (!session.context.prompts) {
    const message = `${mailbox} has to be verified by a code in a mail, and there is no terminal to ask for it: have it sent with --send-code, then add --code CODE`;
    throw wrongCommandLine(message);
  }
  await session.api.post(path`/mailboxes/${mailbox}/code`);
  session.output.warning(`a code was mailed to ${mailbox}; it works once, and a newer one voids it`);
  return told(session, await askedFor(session, mailbox));
}

/** Warns when a new watch's mailbox is not verified, with the remedy. */
export async function warnUnverified({ api, output, hint }: Session, mailbox: string): Promise<void> {
  const command = hint(`watch verify ${mailbox}`);
  try {
    const { isVerified, methods } = await api.get<VerificationResource>(path`/mailboxes/${mailbox}/verification`);
    if (isVerified || methods.includes('client_id')) return;
    output.warning(`${mailbox} is not verified yet, and polls fail until it is: ${command}`);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    output.warning(`cannot tell whether ${mailbox} is verified (${error.message}); if its polls fail: ${command}`);
  }
}

/** Warns after an import that mailboxes may not be verified yet, judging by one of them. */
export async function warnUnverifiedAmong({ api, output, hint }: Session, mailbox: string): Promise<void> {
  try {
    const { methods } = await api.get<VerificationResource>(path`/mailboxes/${mailbox}/verification`);
    if (methods.includes('client_id')) return;
    output.warning(
      `polls of mailboxes that are not verified yet fail until they are: ${hint('doctor')} tells which, watch verify MAILBOX mends it`,
    );
  } catch (error) {
    // The watches are added; `doctor` tells whether the server answers.
    if (!(error instanceof CliError)) throw error;
  }
}

async function send({ api, output, hint }: Session, mailbox: string): Promise<void> {
  await api.post(path`/mailboxes/${mailbox}/code`);
  output.result({ mailbox, isCodeSent: true }, () => {
    output.line(`a code was mailed to ${mailbox}: ${hint(`watch verify ${mailbox} --code CODE`)}`);
  });
}

async function askedFor(session: Session, mailbox: string): Promise<NewVerification> {
  for (let attempt = 1; ; attempt += 1) {
    const code = await session.context.prompts!.input('Code from the mail:');
    try {
      return await verified(session, mailbox, code.trim());
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== codeRejected || attempt === tries) throw error;
      session.output.warning(error.message);
    }
  }
}

const verified = ({ api }: Session, mailbox: string, code?: string): Promise<NewVerification> =>
  api.post(path`/mailboxes/${mailbox}/verification`, code === undefined ? {} : { code });

function told({ output }: Session, verification: NewVerification): void {
  const { mailbox, method, validUntil } = verification;
  output.result(verification, () => {
    const by = method === 'client_id' ? 'by the client id, which renews it by itself' : 'by the code';
    const until = timeText(validUntil);
    const end = until === undefined ? 'the server does not say until when' : `until ${until} UTC`;
    output.line(`${mailbox} is verified ${by}; ${end}`);
  });
}
