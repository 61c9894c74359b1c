import * as z from 'zod/mini';
import { address as mailbox } from '../mailbox-address.ts';
import { mailboxName } from '../transfers/report.ts';
import { requestCode, verificationState, verify } from '../verification/verify.ts';
import { operation } from './operation.ts';

const params = z.strictObject({ mailbox });
const target = (asked: { readonly params: z.output<typeof params> }): string => mailboxName(asked.params.mailbox);

/** What the Cryptshare Server can be at fault for. */
const serverFailures = [429, 502];

export const mailboxOperations = [
  operation({
    id: 'requestCode',
    method: 'POST',
    path: '/mailboxes/{mailbox}/code',
    summary: 'Has the Cryptshare Server mail a verification code to a mailbox; earlier codes may end with it',
    params,
    status: 202,
    failures: serverFailures,
    target,
    async run({ transfers }, { params: { mailbox: of }, stopAt }) {
      await requestCode(transfers.verification, of, stopAt);
      return { mailbox: of };
    },
  }),
  operation({
    id: 'verifyMailbox',
    method: 'POST',
    path: '/mailboxes/{mailbox}/verification',
    summary: 'Verifies a mailbox by the code that was mailed, or without one by the client id alone',
    params,
    body: z.strictObject({ code: z.optional(z.string().check(z.maxLength(100))) }),
    status: 200,
    failures: [422, ...serverFailures],
    target,
    async run({ transfers }, { params: { mailbox: of }, body: { code }, stopAt }) {
      const verification = await verify(transfers.verification, of, code, stopAt);
      return { mailbox: of, method: verification.method, validUntil: verification.validUntil };
    },
  }),
  operation({
    id: 'showVerification',
    method: 'GET',
    path: '/mailboxes/{mailbox}/verification',
    summary:
      'Tells what is known of a mailbox, and asks the Cryptshare Server whether it is verified and by what it can be',
    params,
    status: 200,
    failures: serverFailures,
    target,
    async run({ transfers }, { params: { mailbox: of }, stopAt }) {
      const state = await verificationState(transfers.verification, of, stopAt);
      const { isVerified, methods, verification } = state;
      const { method: by, validUntil } = verification ?? {};
      return { isVerified, methods: [...methods], method: by, validUntil };
    },
  }),
];
