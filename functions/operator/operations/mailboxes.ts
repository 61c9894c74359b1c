import * as z from 'zod/mini';
import { type Verification, verificationCauses } from '#functions/cryptshare/verification.ts';
import { askForOffer, requestCode } from '#functions/cryptshare/verification-api.ts';
import { type OperatorDependencies, on, operation } from '#functions/operator/api/operation.ts';
import { cursorOf, pageQuery, placeOf } from '#functions/operator/api/page.ts';
import { logName } from '#functions/parsing/log-name.ts';
import { address as mailbox } from '#functions/transfers/mailbox-address.ts';
import type { Watches } from '#functions/watches/watches.ts';
import { forgetMailbox } from './forget-mailbox.ts';

const verificationPath = '/mailboxes/{mailbox}/verification';

const onMailbox = on({ mailbox }, (params) => logName(params.mailbox));

type Transfers = OperatorDependencies['transfers'];

/** The spelling of a mailbox in its watch, which is also that of its verification. */
const registeredSpelling = async (watches: Pick<Watches, 'ofMailbox'>, input: string): Promise<string> =>
  (await watches.ofMailbox(input))[0]?.mailbox ?? input;

/** Schedules watches for the next tick whose failure this verification has ended. */
async function hasten({ watches, incidentRows }: Transfers, { mailbox: of, method }: Verification, now: Date) {
  await watches.hasten(of, now.toISOString());
  if (method === 'email') return;
  // A client id that works for one mailbox works for all.
  for (const cause of verificationCauses) await incidentRows.mend(cause, now.getTime());
}

export const mailboxOperations = [
  operation('requestCode', 'POST /mailboxes/{mailbox}/code', {
    ...onMailbox,
    status: 202,
    async run({ transfers }, { params, deadline }) {
      const of = await registeredSpelling(transfers.watches, params.mailbox);
      await requestCode(transfers.calls, of, deadline);
      return { mailbox: of };
    },
  }),
  operation('verifyMailbox', `POST ${verificationPath}`, {
    ...onMailbox,
    body: z.strictObject({ code: z.optional(z.string().check(z.maxLength(100))) }),
    async run({ transfers, webhooks }, { params, body: { code }, deadline }) {
      const of = await registeredSpelling(transfers.watches, params.mailbox);
      const verification = await transfers.tokens.verify(of, code, deadline);
      await hasten(transfers, verification, webhooks.now());
      return { mailbox: of, method: verification.method, validUntil: verification.validUntil };
    },
  }),
  operation('showVerification', `GET ${verificationPath}`, {
    ...onMailbox,
    async run({ transfers }, { params, deadline }) {
      const of = await registeredSpelling(transfers.watches, params.mailbox);
      const { verification, token } = await transfers.tokens.stored(of);
      const { isVerified, methods } = await askForOffer(transfers.calls, of, token, deadline);
      return { isVerified, methods: [...methods], method: verification?.method, validUntil: verification?.validUntil };
    },
  }),
  operation('forgetMailbox', 'POST /mailboxes/{mailbox}/forget', {
    ...onMailbox,
    body: z.strictObject({ cursor: pageQuery.cursor, dryRun: z._default(z.boolean(), false) }),
    async run(deps, { params: { mailbox: of }, body: { cursor, dryRun }, deadline }) {
      const { next, ...done } = await forgetMailbox(deps, of, { dryRun, after: placeOf(cursor), deadline });
      return { ...done, next: next && cursorOf(next) };
    },
  }),
];
